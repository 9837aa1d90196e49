internal import Subprocess

/// One run of a credential plugin, from its start to the credential.
struct PluginRun {
  var plugin: CredentialPlugin
  var configuration: ClusterConfiguration
  /// How long the plugin may take: a minute is enough for a sign-in over a bad network, and ends before those who wait give up.
  var deadline: Duration = .seconds(60)

  /// For each of the plugin's outputs. A credential with a long chain of certificates has some 20 KiB.
  private static let outputLimit = 1 << 20
  /// Of standard error, in an error message.
  private static let quotedCharacters = 500

  /// Runs the plugin without a terminal, in a session of its own: when its time is over, what it started ends with it.
  /// - Throws: `ConfigurationError.plugin`, with what the plugin wrote to its standard error.
  func credential() async throws(ConfigurationError) -> PluginCredential {
    let information = try plugin.executionInformation(configuration)
    let result: Outcome
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
    case .signaled(let signal): throw problem("was ended by signal \(signal)\(quoted(result.errors))", "run it by hand to see why")
    }
    do throws(PluginOutputError) {
      return try PluginCredential(parsing: result.output, version: plugin.apiVersion)
    } catch {
      throw problem(
        "gave no usable credential: \(error.reason)\(quoted(result.errors))",
        "it has to write an ExecCredential of \(plugin.apiVersion.rawValue)")
    }
  }

  private struct Outcome: Sendable {
    var status: TerminationStatus
    var output: [UInt8]
    var errors: [UInt8]
  }

  /// Runs the plugin until it ends or its time is over.
  private func limited(_ information: String) async throws -> Outcome {
    try await withThrowingTaskGroup(of: Outcome.self) { group in
      group.addTask { try await run(information) }
      group.addTask {
        try await Task.sleep(for: deadline)
        throw problem("did not end within \(deadline)", "run it by hand to see what it waits for")
      }
      defer { group.cancelAll() }
      guard let outcome = try await group.next() else { throw CancellationError() }
      return outcome
    }
  }

  private func run(_ information: String) async throws -> Outcome {
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
    return Outcome(status: result.terminationStatus, output: result.standardOutput, errors: result.standardError)
  }

  /// Makes the path that Subprocess wants without a dependency on the package that declares its type.
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
    return text.isEmpty ? "" : "; it says: \(text)"
  }
}

/// What a plugin wrote to its standard error, fit for an error message: on one line, short, and without what may be a credential.
struct RedactedErrors {
  private let content: String

  /// - Parameter secrets: texts that the plugin was given and that may be secret.
  init(_ bytes: [UInt8], secrets: [String]) {
    var content = String(decoding: bytes, as: UTF8.self)
    // Shorter ones are options and numbers, and would leave nothing readable.
    for secret in secrets where secret.utf8.count >= 8 {
      for range in content.ranges(of: secret).reversed() { content.replaceSubrange(range, with: "(redacted)") }
    }
    self.content = content
  }

  /// The end of it, which is where programs say what went wrong.
  func text(upTo limit: Int) -> String {
    let line = content.split { $0.isWhitespace || $0.unicodeScalars.allSatisfy { $0.value < 0x20 || $0.value == 0x7F } }
      .map(Self.redacted).joined(separator: " ")
    return line.count <= limit ? line : "…\(line.suffix(limit))"
  }

  /// Tokens and keys are long runs of small letters, capitals and digits; names, paths and addresses hardly ever are.
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
