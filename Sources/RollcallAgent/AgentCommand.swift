import ArgumentParser
import Logging

struct AgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollcall-agent",
    abstract: "Answers for the containers of this Linux node, and serves their socket statistics.",
    discussion: """
      Every option can be set by the environment as well: --roll-listen by ROLLCALL_AGENT_ROLL_LISTEN, and so on. The option wins.
      """,
    version: Agent.version)

  @OptionGroup var options: AgentOptions

  @Flag(help: "Print what there is on this host now, and end. It needs no cluster.")
  var once = false

  @Option(name: .shortAndLong, help: "How --once prints it: table, wide (with file systems), json or metrics. (default: table)")
  var output: OnceOutput?

  func validate() throws {
    // Settings that make no sense are refused before anything is started.
    _ = try AgentSettings(options, environment: .process())
    if output != nil, !once { throw ValidationError("--output is for --once") }
  }

  func run() async throws {
    let settings = try AgentSettings(options, environment: .process())
    var logger = Logger(label: "rollcall-agent") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = settings.logLevel
    if once {
      try OnceCommand(settings: settings, logger: logger).run(output ?? .table)
      return
    }
    do {
      try await Agent(settings, logger: logger).run()
    } catch {
      logger.critical("the agent cannot go on", metadata: ["error": "\(error)"])
      throw ExitCode.failure
    }
  }
}
