internal import HTTPTransport
internal import JSON
internal import Primitives

/// The credential that a plugin returned.
///
/// Source: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
struct PluginCredential: Hashable, Sendable {
  var token: Secret?
  /// PEM. Set if and only if `key` is set.
  var certificate: Secret?
  var key: Secret?
  /// `nil` if it is valid until the server refuses it.
  var expiry: Timestamp?

  /// Milliseconds before expiry at which a credential is replaced: longer than a request takes to a server whose clock is slightly ahead,
  /// and shorter than the lifetime of any credential.
  static let margin: Int64 = 10_000

  /// - Parameter now: milliseconds since 1970.
  func isDue(at now: Int64) -> Bool {
    expiry.map { $0.unixMilliseconds - Self.margin <= now } ?? false
  }

  /// Adds the credential to a request; a certificate replaces the configured one.
  func apply(to request: inout HTTPRequest) {
    if let authorization { request.headers.append(HTTPHeader("Authorization", authorization)) }
    if let certificate, let key {
      request.tls?.clientCertificate = .memory(certificate.revealed)
      request.tls?.clientKey = .memory(key.revealed)
    }
  }

  /// Whether a request was sent with exactly this credential.
  func wasSent(in request: HTTPRequest) -> Bool {
    (token == nil || request.headers.contains { $0.name == "Authorization" && $0.value == authorization })
      && (certificate == nil || request.tls?.clientCertificate == .memory(certificate?.revealed ?? []))
  }

  private var authorization: String? { token.map { "Bearer \($0.revealedText)" } }
}

/// Why a plugin's output is unusable. Never quotes the output, since any part of it may be a credential.
struct PluginOutputError: Error {
  var reason: String
}

extension PluginCredential {
  /// Parses the plugin's standard output.
  init(parsing output: [UInt8], version: CredentialPlugin.APIVersion) throws(PluginOutputError) {
    func problem(_ reason: String) -> PluginOutputError { PluginOutputError(reason: "its standard output \(reason)") }
    guard !output.isEmpty else { throw problem("is empty") }
    guard let object = try? JSONValue(parsing: output), object.object != nil else {
      throw problem("is not a JSON object (\(output.count) bytes)")
    }
    guard object["kind"] == "ExecCredential" else { throw problem("is not of kind ExecCredential") }
    guard object["apiVersion"]?.string == version.rawValue else {
      let other = CredentialPlugin.APIVersion.allCases.first { object["apiVersion"]?.string == $0.rawValue }
      throw problem(
        "has \(other.map { "apiVersion \($0.rawValue)" } ?? "another apiVersion") instead of the configured \(version.rawValue)")
    }
    let status = object["status"]
    token = try Self.text(status, "token").map { Secret($0) }
    certificate = try Self.text(status, "clientCertificateData").map { Secret($0) }
    key = try Self.text(status, "clientKeyData").map { Secret($0) }
    if token == nil && certificate == nil && key == nil { throw problem("holds no credential: neither status.token nor a certificate") }
    if (certificate == nil) != (key == nil) { throw problem("holds one of clientCertificateData and clientKeyData without the other") }
    if let token, token.revealed.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
      throw problem("has white space or a control character in its token")
    }
    for pem in [certificate, key] {
      guard let pem else { continue }
      guard pem.revealedText.contains("-----BEGIN ") else { throw problem("has a certificate or key that is not PEM") }
    }
    if let text = try Self.text(status, "expirationTimestamp") {
      guard let expiry = Timestamp(rfc3339: text) else { throw problem("has an expirationTimestamp that is not RFC 3339") }
      self.expiry = expiry
    }
  }

  /// `nil` if the field is missing or empty.
  private static func text(_ status: JSONValue?, _ key: String) throws(PluginOutputError) -> String? {
    switch status?[key] {
    case nil, .null: return nil
    case .string(let text): return text.nonEmpty
    default: throw PluginOutputError(reason: "its standard output has a \(key) that is not text")
    }
  }
}
