import ArgumentParser
import Dispatch
import Glibc
import LogLines
import Logging
import Primitives
import ProcessLimits

/// The entry point. Unlike an asynchronous `main`, it runs on the process's first thread, so that `useOneArena` comes before any other
/// thread.
@main
enum Main {
  static func main() {
    // With an arena per thread, each would keep its free memory, and sweeps start new threads.
    Heap.useOneArena()
    // Small, so that the buffers of the exposition go back to the node while the agent is idle. Figures: docs/performance.md.
    Heap.releaseLargeBlocks(from: 64 << 10, freeEnd: 64 << 10)
    // The root task of the process: nothing could await or cancel it.
    Task {
      await AgentCommand.main()
      exit(EXIT_SUCCESS)
    }
    dispatchMain()
  }
}

struct AgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollcall-agent",
    abstract: "Answers the roll for the containers of this Linux node and exports their socket statistics.",
    discussion: """
      Every option can also be set in the environment, --roll-listen as ROLLCALL_AGENT_ROLL_LISTEN, and so on. The option wins.
      """,
    version: ProductVersion.current)

  @OptionGroup var options: AgentOptions

  @Flag(help: "List the containers on this host and exit. Needs no cluster.")
  var once = false

  @Option(name: .shortAndLong, help: "Output of --once: table, wide (with file systems), json or metrics. (default: table)")
  var output: OnceOutput?

  func validate() throws {
    // Rejects invalid settings before anything starts.
    _ = try AgentSettings(options, environment: .process())
    if output != nil, !once { throw ValidationError("--output requires --once") }
  }

  func run() async throws {
    let settings = try AgentSettings(options, environment: .process())
    let logger = settings.logFormat.logger(label: "rollcall-agent", level: settings.logLevel)
    if once {
      try OnceCommand(settings: settings, logger: logger).run(output ?? .table)
      return
    }
    do {
      try await Agent(settings, logger: logger).run()
    } catch {
      logger.critical("agent failed", metadata: ["error": "\(error)"])
      throw ExitCode.failure
    }
  }
}
