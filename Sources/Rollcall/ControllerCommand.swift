internal import ArgumentParser
internal import Controller
internal import FoundationEssentials
internal import Glibc
internal import LogLines
internal import Primitives
internal import ProcessLimits
internal import ServiceLifecycle
internal import UnixSignals

/// `rollcall controller`, which the Deployment runs.
struct ControllerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "controller",
    abstract: "Watch nodes and pods, call the roll, publish targets and report gaps.",
    discussion: """
      Every setting is a flag, an environment variable, or a key in the file of --config (in square brackets after each flag). A flag \
      overrides a variable, and a variable overrides the file.

      Exit status: 64 for an invalid setting, 78 for an unusable cluster configuration, 1 for any later failure. The controller does not \
      exit while the API server is unreachable; it retries.
      """)

  @Option(help: "A YAML file with settings. [ROLLCALL_CONFIG]")
  var config: String?

  @Flag(help: "Print the effective settings in the format of the --config file and exit.")
  var printConfig = false

  @OptionGroup(title: "Settings")
  var flags: SettingsFlags

  /// Less than the default `terminationGracePeriodSeconds` of 30, after which the kubelet kills the process.
  private static let drainTime: Duration = .seconds(25)

  func run() async throws {
    Heap.releaseLargeBlocks()
    let environment = ProcessInfo.processInfo.environment
    let settings = try settings(environment: environment)
    if printConfig {
      print(settings.yaml, terminator: "")
      return
    }
    let logger = settings.logFormat.logger(label: "rollcall", level: settings.logLevel)
    do {
      let controller = try RollcallController(
        settings: settings, environment: environment, version: ProductVersion.current, logger: logger)
      var configuration = ServiceGroupConfiguration(
        services: controller.services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
      configuration.maximumGracefulShutdownDuration = Self.drainTime
      try await ServiceGroup(configuration: configuration).run()
    } catch let error as ControllerError {
      throw failure(error.description, code: error.isConfiguration ? 78 : 1)  // EX_CONFIG of sysexits(3)
    }
  }

  private func settings(environment: [String: String]) throws -> ControllerSettings {
    let path = config ?? environment["ROLLCALL_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    do {
      let file = try path.map { path in (path: path, bytes: try read(path)) }
      return try SettingsSources(flags: flags.values, environment: environment, file: file).settings()
    } catch let error as SettingsError {
      throw failure(error.description, code: 64)  // EX_USAGE
    }
  }

  private func read(_ path: String) throws(SettingsError) -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(filePath: path)))
    } catch {
      throw .unreadable(path: path, reason: Self.explanation(of: error))
    }
  }

  private static func explanation(of error: any Error) -> String {
    guard let error = error as? CocoaError else { return "\(error)" }
    return switch error.code {
    case .fileReadNoSuchFile: "no such file"
    case .fileReadNoPermission: "permission denied"
    default: (error.underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)) } ?? "\(error)"
    }
  }

  private func failure(_ message: String, code: Int32) -> ExitCode {
    let line = Array("rollcall controller: \(message)\n".utf8)
    // A closed standard error is ignored.
    _ = write(2, line, line.count)
    return ExitCode(code)
  }
}
