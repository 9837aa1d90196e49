internal import ArgumentParser
internal import FoundationEssentials
internal import HTTPTransport
internal import KubeClient
internal import Logging
internal import Primitives

/// How a command reaches the controller: through `kubectl port-forward`, or at a URL.
struct ControllerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The controller's URL, such as https://rollcall-controller.rollcall.svc:9750.",
      discussion: "Without it, kubectl forwards a free local port to the leader while the command runs."))
  var server: String?

  @Option(help: "A file with the bearer token for --server. If unset: the token of the kubeconfig. Tokens are sent over https only.")
  var tokenFile: String?

  @Option(help: "CA file to verify --server instead of the system's CAs: ca.crt of the Secret rollcall-tls.")
  var caFile: String?

  @Option(help: "The namespace of the controller.")
  var controllerNamespace = "rollcall"

  @Option(help: "The kubeconfig, as for kubectl.")
  var kubeconfig: String?

  @Option(help: "The context of the kubeconfig, as for kubectl.")
  var context: String?

  /// Runs `body` with a connection, which ends with it.
  /// - Throws: `QueryFailure`.
  func connect<Result: Sendable>(_ body: (ControllerConnection) async throws -> Result) async throws -> Result {
    guard let server else {
      return try await portForward.run { url in try await body(ControllerConnection(url: url, headers: [], tls: nil)) }
    }
    guard server.hasPrefix("http://") || server.hasPrefix("https://") else {
      throw QueryFailure("--server \(server): write it as https://HOST:PORT")
    }
    let isSecure = server.hasPrefix("https://")
    if tokenFile != nil, !isSecure { throw QueryFailure("--token-file: the token is not sent over plain http to \(server); use https://") }
    let tls = isSecure ? TLSOptions(certificateAuthorities: caFile.map { .file($0) }) : nil
    return try await body(ControllerConnection(url: server, headers: isSecure ? try await credentials() : [], tls: tls))
  }

  private var portForward: PortForward {
    PortForward(
      options: (kubeconfig.map { ["--kubeconfig", $0] } ?? []) + (context.map { ["--context", $0] } ?? []), namespace: controllerNamespace)
  }

  private func credentials() async throws(QueryFailure) -> [HTTPHeader] {
    if let tokenFile {
      guard let data = try? Data(contentsOf: URL(filePath: tokenFile)) else {
        throw QueryFailure("--token-file \(tokenFile): cannot be read")
      }
      let token = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
      guard token.count == 1 else { throw QueryFailure("--token-file \(tokenFile): expected one token") }
      return [HTTPHeader("Authorization", "Bearer \(token[0])")]
    }
    guard let configuration = try configuration() else { return [] }
    do throws(ConfigurationError) {
      var request = HTTPRequest(url: "/")
      try await ClusterAccess(configuration, logger: .quiet("kubeconfig")).prepare(&request)
      return request.headers.filter { $0.name == "Authorization" }
    } catch {
      throw QueryFailure("\(error)")
    }
  }

  /// `nil` without any.
  private func configuration() throws(QueryFailure) -> ClusterConfiguration? {
    do throws(ConfigurationError) {
      return try ClusterConfiguration.load(kubeconfig: kubeconfig, context: context, environment: ProcessInfo.processInfo.environment)
    } catch {
      if case .notFound = error { return nil }
      throw QueryFailure("\(error)")
    }
  }

  /// A client of the API server.
  func client() throws(QueryFailure) -> KubeClient {
    guard let configuration = try configuration() else {
      throw QueryFailure("there is no kubeconfig: name one with --kubeconfig, or set KUBECONFIG")
    }
    do throws(KubeError) {
      return try KubeClient(configuration: configuration, logger: .quiet("kubeconfig"))
    } catch {
      throw QueryFailure("\(error)")
    }
  }

  /// The namespace of the context, as kubectl takes it.
  var defaultNamespace: String {
    get throws(QueryFailure) { try configuration()?.defaultNamespace ?? "default" }
  }
}

/// The namespace that a command is about, as for kubectl.
struct NamespaceOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The namespace. If unset: that of the kubeconfig's context.")
  var namespace: String?
}

/// A question that could not be asked, or that got no answer.
struct QueryFailure: Error {
  /// Of every command: whether something was found is told by 0 and 1.
  static let exitCode = ExitCode(2)

  let message: String

  init(_ message: String) {
    self.message = message
  }
}

extension AsyncParsableCommand {
  /// Runs a query; a failure becomes one line on standard error and exit status 2.
  func reportingFailures(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let failure as QueryFailure {
      standardError("rollcall \(Self.configuration.commandName ?? ""): \(failure.message)\n")
      throw QueryFailure.exitCode
    }
  }
}
