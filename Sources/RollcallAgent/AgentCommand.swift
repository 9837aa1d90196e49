import ArgumentParser
import Logging

@main
struct AgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollcall-agent",
    abstract: "Answers for the containers of this Linux node, and serves their socket statistics.",
    discussion: """
      Every option can be set by the environment as well: --roll-listen by ROLLCALL_AGENT_ROLL_LISTEN, and so on. The option wins.
      """,
    version: Agent.version)

  @OptionGroup var options: AgentOptions

  func validate() throws {
    // Settings that make no sense are refused before anything is started.
    _ = try AgentSettings(options, environment: .process())
  }

  func run() async throws {
    let settings = try AgentSettings(options, environment: .process())
    var logger = Logger(label: "rollcall-agent") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = settings.logLevel
    do {
      try await Agent(settings, logger: logger).run()
    } catch {
      logger.critical("the agent cannot go on", metadata: ["error": "\(error)"])
      throw ExitCode.failure
    }
  }
}
