internal import FoundationEssentials
internal import HTTPTransport
import JSON
internal import X509

/// The Secret with the certificates.
struct TLSSecret: Sendable {
  static let name = ObjectNames.tlsSecret
  static let authorityKey = "ca.crt"
  static let authorityPrivateKey = "ca.key"
  private static let certManager = "cert-manager.io/"

  /// Decoded from base64.
  var members: [String: [UInt8]]
  /// Whether we created it and may rewrite it. A Secret with our label that lacks the CA's key or has cert-manager's annotations was
  /// taken over by a user.
  var isOurs: Bool

  init(members: [String: [UInt8]], isOurs: Bool) {
    self.members = members
    self.isOurs = isOurs
  }

  init(_ object: JSONValue) {
    members = (object["data"]?.object ?? [:]).compactMapValues { $0.string.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } }
    let metadata = object["metadata"]
    isOurs =
      metadata?["labels"]?[ObjectNames.managedBy]?.string == ObjectNames.manager && members[Self.authorityPrivateKey] != nil
      && !(metadata?["annotations"]?.object ?? [:]).keys.contains { $0.hasPrefix(Self.certManager) }
  }

  func text(_ key: String) throws(CertificateError) -> String {
    guard let bytes = members[key], !bytes.isEmpty else { throw .content(key: key, "is missing from the Secret") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The members in base64, as the API server expects them.
  var data: JSONValue { .object(JSONObject(members.map { ($0.key, .string(Data($0.value).base64EncodedString())) })) }

  func object(namespace: String) -> JSONValue {
    [
      "apiVersion": "v1",
      "kind": "Secret",
      "type": "Opaque",
      "metadata": [
        "name": .string(Self.name),
        "namespace": .string(namespace),
        "labels": [
          "app.kubernetes.io/name": "rollcall",
          ObjectNames.managedBy: .string(ObjectNames.manager),
        ],
      ],
      "data": data,
    ]
  }

  /// The controller's client certificate, and the CAs and name by which it verifies agents.
  func controllerOptions() throws(CertificateError) -> TLSOptions {
    func bytes(_ key: String) throws(CertificateError) -> [UInt8] { Array(try text(key).utf8) }
    return TLSOptions(
      certificateAuthorities: .memory(try bytes(Self.authorityKey)),
      clientCertificate: .memory(try bytes(CertificateRole.controller.certificateKey)),
      clientKey: .memory(try bytes(CertificateRole.controller.privateKeyKey)),
      serverName: CertificateRole.agent.name)
  }
}

/// The members of a Secret, parsed.
struct ParsedSecret {
  /// The current CA first, then earlier ones.
  var authorities: [CertificateFacts]
  var authorityKey: Certificate.PrivateKey?
  private var secret: TLSSecret

  init(_ secret: TLSSecret) throws(CertificateError) {
    self.secret = secret
    authorities = try CertificateFacts.all(inPEM: try secret.text(TLSSecret.authorityKey), key: TLSSecret.authorityKey)
    guard !authorities.isEmpty else { throw .content(key: TLSSecret.authorityKey, "contains no certificate") }
    authorityKey = secret.members[TLSSecret.authorityPrivateKey] == nil ? nil : try Self.key(TLSSecret.authorityPrivateKey, of: secret)
  }

  /// The CA that signs new certificates.
  func authority(at now: Int64) throws(CertificateError) -> Credential {
    guard let authorityKey, let current = authorities.first else {
      throw .content(key: TLSSecret.authorityPrivateKey, "is missing from the Secret")
    }
    guard current.isOf(authorityKey) else { throw .mismatch("ca.key is not the key of the first certificate in ca.crt") }
    guard current.isAuthority else { throw .mismatch("the first certificate in ca.crt is not a CA certificate") }
    guard current.isValid(at: now) else { throw .mismatch("the CA in ca.crt is expired or not yet valid") }
    return Credential(facts: current, key: authorityKey)
  }

  /// The expiry of each certificate in the Secret, valid or not. If a member has several, that of the first, which is in use.
  var expiries: [CertificateExpiry] {
    let keys = [TLSSecret.authorityKey] + CertificateRole.allCases.map(\.certificateKey)
    return keys.compactMap { key in
      guard let text = try? secret.text(key), let first = try? CertificateFacts.all(inPEM: text, key: key).first else { return nil }
      return CertificateExpiry(member: key, notAfter: first.notAfter)
    }
  }

  /// The certificate of a role.
  /// - Throws: if it is not usable at this time.
  func leaf(_ role: CertificateRole, at now: Int64) throws(CertificateError) -> CertificateFacts {
    // The first is the leaf; intermediates may follow in a user-provided Secret.
    let chain = try CertificateFacts.all(inPEM: try secret.text(role.certificateKey), key: role.certificateKey)
    guard let leaf = chain.first else { throw .content(key: role.certificateKey, "contains no certificate") }
    guard leaf.isOf(try Self.key(role.privateKeyKey, of: secret)) else {
      throw .mismatch("\(role.privateKeyKey) is not the key of \(role.certificateKey)")
    }
    guard role.isServed(by: leaf.certificate) else {
      throw .mismatch("\(role.certificateKey) lacks the DNS name \(role.name) or the extended key usage of its role")
    }
    guard leaf.isValid(at: now) else { throw .mismatch("\(role.certificateKey) is expired or not yet valid") }
    guard chain.count > 1 || authorities.contains(where: { leaf.isSigned(by: $0) }) else {
      throw .mismatch("\(role.certificateKey) is not signed by a CA in ca.crt")
    }
    return leaf
  }

  private static func key(_ name: String, of secret: TLSSecret) throws(CertificateError) -> Certificate.PrivateKey {
    let text = try secret.text(name)
    // The parser's error is dropped, as it might quote the key.
    guard let key = try? Certificate.PrivateKey(pemEncoded: text) else { throw .content(key: name, "is not a private key in PEM") }
    return key
  }
}
