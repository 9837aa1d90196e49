import ArgumentParser
import HummingbirdTLS
import Hummingbird
@main struct AgentCommand: ParsableCommand {}
