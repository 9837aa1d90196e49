import ArgumentParser
import Controller

@main struct RollcallCommand: ParsableCommand {}
