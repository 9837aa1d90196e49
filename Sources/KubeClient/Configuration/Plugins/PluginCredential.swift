internal import HTTPTransport
internal import JSON

/// What a credential plugin answered with.
///
/// Source: "Client Authentication (v1)" in the Kubernetes reference.
struct PluginCredential: Hashable, Sendable {
  var token: Secret?
  /// PEM, as the key is; there are both or neither.
  var certificate: Secret?
  var key: Secret?
  /// `nil` means that it is good until the server refuses it.
  var expiry: Timestamp?

  /// A credential is fetched anew this long before it expires: longer than a request is on its way to a server whose clock is a little
  /// ahead of ours, shorter than any credential lives.
  static let margin: Int64 = 10_000

  /// - Parameter now: milliseconds since 1970.
  func isDue(at now: Int64) -> Bool {
    expiry.map { $0.unixMilliseconds - Self.margin <= now } ?? false
  }

  /// Puts it on a request, instead of the client certificate that the configuration has.
  func apply(to request: inout HTTPRequest) {
    if let authorization { request.headers.append(HTTPHeader("Authorization", authorization)) }
    if let certificate, let key {
      request.tls?.clientCertificate = .memory(certificate.revealed)
      request.tls?.clientKey = .memory(key.revealed)
    }
  }

  /// Whether a request was made with this credential and no other.
  func wasSent(in request: HTTPRequest) -> Bool {
    (token == nil || request.headers.contains { $0.name == "Authorization" && $0.value == authorization })
      && (certificate == nil || request.tls?.clientCertificate == .memory(certificate?.revealed ?? []))
  }

  private var authorization: String? { token.map { "Bearer \($0.revealedText)" } }
}

/// What is wrong with a plugin's answer. Nothing of the answer is quoted, since a credential may be anywhere in it.
struct PluginOutputError: Error {
  var reason: String
}

extension PluginCredential {
  /// Reads what the plugin wrote to its standard output.
  init(parsing output: [UInt8], version: CredentialPlugin.APIVersion) throws(PluginOutputError) {
    func problem(_ reason: String) -> PluginOutputError { PluginOutputError(reason: "its standard output \(reason)") }
    guard !output.isEmpty else { throw problem("is empty") }
    guard let answer = try? JSONValue(parsing: output), answer.object != nil else {
      throw problem("is no JSON object (\(output.count) bytes)")
    }
    guard answer["kind"] == "ExecCredential" else { throw problem("is not of kind ExecCredential") }
    guard answer["apiVersion"]?.string == version.rawValue else {
      let other = CredentialPlugin.APIVersion.allCases.first { answer["apiVersion"]?.string == $0.rawValue }
      throw problem("has \(other.map { "apiVersion \($0.rawValue)" } ?? "another apiVersion") where \(version.rawValue) is configured")
    }
    let status = answer["status"]
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

  /// `nil` also where the text is empty.
  private static func text(_ status: JSONValue?, _ key: String) throws(PluginOutputError) -> String? {
    switch status?[key] {
    case nil, .null: return nil
    case .string(let text): return text.nonEmpty
    default: throw PluginOutputError(reason: "its standard output has a \(key) that is not text")
    }
  }
}
