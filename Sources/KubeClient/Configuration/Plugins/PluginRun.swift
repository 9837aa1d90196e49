internal import Subprocess

/// A single run of a credential plugin.
struct PluginRun {
  var plugin: CredentialPlugin
  var configuration: ClusterConfiguration
  /// A minute is enough for a sign-in over a slow network, and shorter than callers wait.
  var deadline: Duration = .seconds(60)

  /// For each of standard output and standard error. A credential with a long certificate chain is about 20 KiB.
  private static let outputLimit = 1 << 20
  /// The quoted part of standard error in a message.
  private static let quotedCharacters = 500

  /// Runs the plugin without a terminal, in its own session. On timeout its child processes are terminated as well.
  /// - Throws: `ConfigurationError.plugin` with the plugin's standard error.
  func credential() async throws(ConfigurationError) -> PluginCredential {
    let information = try plugin.executionInformation(configuration)
    let result: ProcessResult
    do {
      result = try await limited(information)
    } catch let error as ConfigurationError {
      throw error
    } catch let error as SubprocessError where !Task.isCancelled {
      throw failure(of: error)
    } catch {
      if Task.isCancelled { throw .cancelled }
      throw problem("cannot be run: \(error)", "run it by hand to see why")
    }
    if Task.isCancelled && !result.status.isSuccess { throw .cancelled }
    switch result.status {
    case .exited(0): break
    case .exited(let code): throw problem("exited with status \(code)\(quoted(result.errors))", "run it by hand to see why")
    case .signaled(let signal): throw problem("was killed by signal \(signal)\(quoted(result.errors))", "run it by hand to see why")
    }
    do throws(PluginOutputError) {
      return try PluginCredential(parsing: result.output, version: plugin.apiVersion)
    } catch {
      throw problem(
        "returned no usable credential: \(error.reason)\(quoted(result.errors))",
        "it must write an ExecCredential of \(plugin.apiVersion.rawValue)")
    }
  }

  private struct ProcessResult: Sendable {
    var status: TerminationStatus
    var output: [UInt8]
    var errors: [UInt8]
  }

  /// Runs the plugin with a timeout of `deadline`.
  private func limited(_ information: String) async throws -> ProcessResult {
    try await withThrowingTaskGroup(of: ProcessResult.self) { group in
      group.addTask { try await run(information) }
      group.addTask {
        try await Task.sleep(for: deadline)
        throw problem("did not end within \(deadline)", "run it by hand to see what it waits for")
      }
      defer { group.cancelAll() }
      guard let result = try await group.next() else { throw CancellationError() }
      return result
    }
  }

  private func run(_ information: String) async throws -> ProcessResult {
    var variables: [Environment.Key: String?] = ["KUBERNETES_EXEC_INFO": information]
    for (name, value) in plugin.environment { variables[Environment.Key(stringLiteral: name)] = value }
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [
      .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
    ]
    let executable: Executable = plugin.command.contains("/") ? .path(literal(plugin.command)) : .name(plugin.command)
    let result = try await Subprocess.run(
      executable, arguments: Arguments(plugin.arguments), environment: .inherit.updating(variables), platformOptions: options,
      input: .none, output: .bytes(limit: Self.outputLimit), error: .bytes(limit: Self.outputLimit))
    return ProcessResult(status: result.terminationStatus, output: result.standardOutput, errors: result.standardError)
  }

  /// Creates Subprocess's path type without a dependency on the package that declares it.
  private func literal<Path: ExpressibleByStringLiteral>(_ text: String) -> Path where Path.StringLiteralType == String {
    Path(stringLiteral: text)
  }

  private func failure(of error: SubprocessError) -> ConfigurationError {
    switch error.code {
    case .executableNotFound:
      problem("is not installed, or cannot be run", plugin.installHint ?? "install it, or correct the command of exec")
    case .outputLimitExceeded:
      problem("wrote more than \(Self.outputLimit) bytes", "run it by hand to see what it writes")
    default:
      problem("cannot be run: \(error)", "run it by hand to see why")
    }
  }

  private func problem(_ reason: String, _ remedy: String) -> ConfigurationError {
    .plugin(plugin.location, command: plugin.command, reason: reason, remedy: remedy)
  }

  private func quoted(_ errors: [UInt8]) -> String {
    let text = RedactedErrors(errors, secrets: plugin.arguments + plugin.environment.values).text(upTo: Self.quotedCharacters)
    return text.isEmpty ? "" : "; standard error: \(text)"
  }
}

/// A plugin's standard error for an error message: a single line, shortened and without likely credentials.
struct RedactedErrors {
  private let content: String

  /// - Parameter secrets: possibly secret texts that the plugin received.
  init(_ bytes: [UInt8], secrets: [String]) {
    var content = String(decoding: bytes, as: UTF8.self)
    // Shorter texts are options and numbers; removing them would make the message unreadable.
    for secret in secrets where secret.utf8.count >= 8 {
      for range in content.ranges(of: secret).reversed() { content.replaceSubrange(range, with: "(redacted)") }
    }
    self.content = content
  }

  /// The end of the text, where programs usually state the failure.
  func text(upTo limit: Int) -> String {
    let line = content.split { $0.isWhitespace || $0.unicodeScalars.allSatisfy { $0.value < 0x20 || $0.value == 0x7F } }
      .map(Self.redacted).joined(separator: " ")
    return line.count <= limit ? line : "…\(line.suffix(limit))"
  }

  /// Redacts long runs of mixed small letters, capitals and digits. Tokens and keys look like this; names, paths and addresses rarely do.
  private static func redacted(_ word: Substring) -> String {
    var text = ""
    var run = ""
    func flush() {
      let mixed = run.contains(where: \.isLowercase) && run.contains(where: \.isUppercase) && run.contains(where: \.isNumber)
      text += mixed && run.count >= 16 ? "(redacted)" : run
      run = ""
    }
    for character in word {
      if character.isASCII && (character.isLetter || character.isNumber || "+=_-".contains(character)) {
        run.append(character)
      } else {
        flush()
        text.append(character)
      }
    }
    flush()
    return text
  }
}
