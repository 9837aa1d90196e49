internal import FoundationEssentials
internal import HTTPTransport
import JSON
internal import X509

/// One of the two Secrets with the certificates. A kubelet may read every Secret that a pod on its node mounts, as a whole, so the agents'
/// Secret has nothing that only the controller needs, and no pod mounts the other one.
///
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/node/
enum TLSSecretPart: CaseIterable {
  /// Written first, so that a failure between the two writes loses no key.
  case authority
  case agents

  var name: String {
    switch self {
    case .authority: ObjectNames.authoritySecret
    case .agents: ObjectNames.tlsSecret
    }
  }

  func namespace(own: String, agents: String) -> String {
    switch self {
    case .authority: own
    case .agents: agents
    }
  }

  var keys: [String] {
    switch self {
    case .authority:
      [
        TLSSecret.authorityKey, TLSSecret.authorityPrivateKey, CertificateRole.controller.certificateKey,
        CertificateRole.controller.privateKeyKey,
      ]
    case .agents: [TLSSecret.authorityKey, CertificateRole.agent.certificateKey, CertificateRole.agent.privateKeyKey]
    }
  }
}

/// The certificates and keys of both Secrets.
struct TLSSecret: Sendable {
  static let names = TLSSecretPart.allCases.map(\.name).joined(separator: " and ")
  static let authorityKey = "ca.crt"
  static let authorityPrivateKey = "ca.key"
  private static let certManager = "cert-manager.io/"

  /// Decoded from base64.
  var members: [String: [UInt8]]
  /// Whether we created the Secrets and may rewrite them. One with our label that lacks the CA's key or has cert-manager's annotations was
  /// taken over by a user.
  var isOurs: Bool

  init(members: [String: [UInt8]], isOurs: Bool) {
    self.members = members
    self.isOurs = isOurs
  }

  /// - Returns: `nil` if neither Secret exists.
  init?(_ objects: [TLSSecretPart: JSONValue]) {
    guard !objects.isEmpty else { return nil }
    let (authority, agents) = (objects[.authority].map(Self.members), objects[.agents].map(Self.members))
    let isAgentsOurs = objects[.agents].map(Self.hasOurLabel) ?? true
    // One Secret with everything: written by an earlier version, or by a user.
    if let agents, agents[CertificateRole.controller.certificateKey] != nil, authority == nil || !isAgentsOurs {
      members = agents
      isOurs = isAgentsOurs && agents[Self.authorityPrivateKey] != nil
      return
    }
    members = authority ?? [:]
    for key in TLSSecretPart.agents.keys where authority == nil || key != Self.authorityKey { members[key] = agents?[key] }
    let isAuthorityOurs = objects[.authority].map { Self.hasOurLabel($0) && authority?[Self.authorityPrivateKey] != nil } ?? true
    isOurs = isAgentsOurs && isAuthorityOurs
  }

  private static func members(of object: JSONValue) -> [String: [UInt8]] {
    (object["data"]?.object ?? [:]).compactMapValues { $0.string.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } }
  }

  private static func hasOurLabel(_ object: JSONValue) -> Bool {
    object["metadata"]?["labels"]?[ObjectNames.managedBy]?.string == ObjectNames.manager
      && !(object["metadata"]?["annotations"]?.object ?? [:]).keys.contains { $0.hasPrefix(certManager) }
  }

  /// Takes the members of a Secret that does not exist from those last in use.
  mutating func restore(_ part: TLSSecretPart, from last: TLSSecret) {
    for key in part.keys { members[key] = members[key] ?? last.members[key] }
  }

  func text(_ key: String) throws(CertificateError) -> String {
    guard let bytes = members[key], !bytes.isEmpty else { throw .content(key: key, "is missing from the Secret") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The members of one Secret in base64, as the API server expects them.
  func data(of part: TLSSecretPart) -> JSONValue {
    .object(JSONObject(part.keys.compactMap { key in members[key].map { (key, .string(Data($0).base64EncodedString())) } }))
  }

  func object(_ part: TLSSecretPart, namespace: String) -> JSONValue {
    [
      "apiVersion": "v1",
      "kind": "Secret",
      "type": "Opaque",
      "metadata": [
        "name": .string(part.name),
        "namespace": .string(namespace),
        "labels": [
          "app.kubernetes.io/name": "rollcall",
          ObjectNames.managedBy: .string(ObjectNames.manager),
        ],
      ],
      "data": data(of: part),
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

/// The members of the Secrets, parsed.
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

  /// The expiry of each certificate in the Secret, valid or not. If a member has several, the first one counts, since it is in use.
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
