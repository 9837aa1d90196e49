import Foundation
import JSON
import Testing

@testable import Controller

@Suite struct CertificatePlanTests {
  private let policy = CertificatePolicy()
  /// 2026-01-01T00:00:00Z
  private let start: Int64 = 1_767_225_600
  private let day: Int64 = 86_400

  private func firstSecret() throws -> TLSSecret { try CertificateRenewal.newSecret(policy: policy, now: start) }

  private func renewalDue(in secret: TLSSecret, after days: Int64) -> CertificateRenewal? {
    if case .renew(let renewal) = CertificatePlan(secret, policy: policy, now: start + days * day) { renewal } else { nil }
  }

  private func renewed(_ secret: TLSSecret, after days: Int64) throws -> TLSSecret {
    let renewal = try #require(renewalDue(in: secret, after: days))
    return try renewal.applied(to: secret, policy: policy, now: start + days * day)
  }

  private func changedMembers(_ old: TLSSecret, _ new: TLSSecret) -> Set<String> {
    Set(new.members.keys.filter { old.members[$0] != new.members[$0] })
  }

  /// Verifies each leaf against the other side's bundle.
  private func areTrusted(_ leafs: TLSSecret, by bundle: TLSSecret, after days: Int64) throws -> Bool {
    var mixed = leafs
    mixed.members["ca.crt"] = bundle.members["ca.crt"]
    let parsed = try ParsedSecret(mixed)
    return CertificateRole.allCases.allSatisfy { (try? parsed.leaf($0, at: start + days * day)) != nil }
  }

  // MARK: Our Secret

  @Test func `a missing Secret is created`() {
    guard case .create = CertificatePlan(nil, policy: policy, now: start) else {
      Issue.record("nothing would be made")
      return
    }
  }

  @Test(arguments: [0, 1, 30, 59])
  func `nothing is renewed before it is due`(days: Int64) throws {
    #expect(renewalDue(in: try firstSecret(), after: days) == nil)
  }

  @Test func `leaf certificates are renewed after two thirds of their lifetime and the CA is kept`() throws {
    let first = try firstSecret()
    let second = try renewed(first, after: 61)
    #expect(changedMembers(first, second) == ["agent.crt", "agent.key", "controller.crt", "controller.key"])
    // One side may see the new Secret before the other.
    #expect(try areTrusted(first, by: second, after: 61))
    #expect(try areTrusted(second, by: first, after: 61))
    #expect(renewalDue(in: second, after: 61) == nil)
  }

  @Test func `an expired leaf certificate is renewed, however late`() throws {
    let second = try renewed(try firstSecret(), after: 400)
    #expect(try areTrusted(second, by: second, after: 400))
  }

  /// After each of the three steps of replacing a CA both sides trust each other, whichever of them sees it first.
  @Test func `a CA is replaced in steps`() throws {
    let due = policy.authorityLife / day * 2 / 3 + 1
    // The old CA has just renewed the leafs.
    let old = try renewed(try firstSecret(), after: due - 2)

    let handedOut = try renewed(old, after: due)
    #expect(changedMembers(old, handedOut) == ["ca.crt", "ca.key"])
    #expect(try ParsedSecret(handedOut).authorities.count == 2)
    #expect(try areTrusted(old, by: handedOut, after: due))
    #expect(renewalDue(in: handedOut, after: due) == nil)

    let moved = try renewed(handedOut, after: due + 2)
    #expect(changedMembers(handedOut, moved) == ["agent.crt", "agent.key", "controller.crt", "controller.key"])
    #expect(try areTrusted(moved, by: handedOut, after: due + 2))
    #expect(try areTrusted(handedOut, by: moved, after: due + 2))
    #expect(renewalDue(in: moved, after: due + 3) == nil)

    // Much later, with new leafs, the old CA has expired.
    let end = policy.authorityLife / day + 1
    let late = try renewed(moved, after: end)
    #expect(try ParsedSecret(late).authorities.count == 1)
    #expect(try areTrusted(late, by: late, after: end))
  }

  @Test func `due leaf certificates are not signed by a CA that has not been distributed yet`() throws {
    let due = policy.authorityLife / day * 2 / 3 + 1
    // Leafs and CA are due on the same day: the CA is renewed first, the leafs a day later.
    let old = try renewed(try firstSecret(), after: due - 61)
    let handedOut = try renewed(old, after: due)
    #expect(changedMembers(old, handedOut) == ["ca.crt", "ca.key"])
    #expect(renewalDue(in: handedOut, after: due) == nil)
    #expect(renewalDue(in: handedOut, after: due + 1)?.leafs == [.agent, .controller])
  }

  // MARK: Broken

  @Test(arguments: ["agent.crt", "agent.key", "controller.crt", "controller.key"])
  func `only the broken leaf certificate is reissued`(member: String) throws {
    let role = try #require(CertificateRole(rawValue: String(member.prefix { $0 != "." })))
    for damage in [nil, Array("-----BEGIN CERTIFICATE-----\nnonsense".utf8), []] as [[UInt8]?] {
      var broken = try firstSecret()
      broken.members[member] = damage
      let renewal = try #require(renewalDue(in: broken, after: 1))
      #expect(renewal.leafs == [role])
      #expect(renewal.authority == .keep)
      let mended = try renewal.applied(to: broken, policy: policy, now: start + day)
      #expect(try areTrusted(mended, by: mended, after: 1))
    }
  }

  @Test func `a leaf certificate in the place of the other is reissued`() throws {
    var swapped = try firstSecret()
    swapped.members["agent.crt"] = swapped.members["controller.crt"]
    swapped.members["agent.key"] = swapped.members["controller.key"]
    #expect(renewalDue(in: swapped, after: 1)?.leafs == [.agent])
  }

  @Test func `a private key that does not match its certificate is detected`() throws {
    var mixed = try firstSecret()
    mixed.members["agent.key"] = try firstSecret().members["agent.key"]
    let renewal = try #require(renewalDue(in: mixed, after: 1))
    #expect(renewal.reasons == ["agent.key is not the key of agent.crt"])
  }

  @Test(arguments: ["ca.crt", "ca.key"])
  func `without a usable CA everything is reissued`(member: String) throws {
    var broken = try firstSecret()
    broken.members[member] = try firstSecret().members[member]
    let renewal = try #require(renewalDue(in: broken, after: 1))
    #expect(renewal.authority == .replace)
    let mended = try renewal.applied(to: broken, policy: policy, now: start + day)
    #expect(try areTrusted(mended, by: mended, after: 1))
    #expect(try ParsedSecret(mended).authorities.count == 1)
  }

  @Test func `leaf certificates signed by another CA are reissued`() throws {
    var mixed = try firstSecret()
    let other = try firstSecret()
    mixed.members["controller.crt"] = other.members["controller.crt"]
    mixed.members["controller.key"] = other.members["controller.key"]
    #expect(renewalDue(in: mixed, after: 1)?.leafs == [.controller])
  }

  @Test func `clock skew of up to an hour is tolerated`() throws {
    let secret = try firstSecret()
    #expect(try areTrusted(secret, by: secret, after: 0))
    #expect(throws: Never.self) { try ParsedSecret(secret).leaf(.agent, at: start - 3599) }
    #expect(throws: CertificateError.self) { try ParsedSecret(secret).leaf(.agent, at: start - 3601) }
  }

  // MARK: A user's Secret

  private func plan(_ secret: TLSSecret, after days: Int64) -> (isReadOnly: Bool, error: CertificateError?) {
    if case .readOnly(let error) = CertificatePlan(secret, policy: policy, now: start + days * day) { (true, error) } else { (false, nil) }
  }

  @Test func `a user-provided Secret is never renewed`() throws {
    var brought = try firstSecret()
    brought.isOurs = false
    #expect(plan(brought, after: 1) == (true, nil))
    let late = plan(brought, after: 400)
    #expect(late.isReadOnly)
    #expect(late.error == .mismatch("controller.crt is expired or not yet valid"))
    brought.members["controller.crt"] = nil
    #expect(plan(brought, after: 1).error == .content(key: "controller.crt", "is missing from the Secret"))
  }

  @Test func `the owner of the Secrets is determined from their metadata`() throws {
    let secret = try firstSecret()
    let ours = [
      TLSSecretPart.authority: secret.object(.authority, namespace: "rollcall"), .agents: secret.object(.agents, namespace: "rollcall"),
    ]
    func isOurs(_ objects: [TLSSecretPart: JSONValue]) -> Bool? { TLSSecret(objects)?.isOurs }
    #expect(isOurs(ours) == true)
    #expect(TLSSecret(ours)?.members == secret.members)
    for part in TLSSecretPart.allCases {
      #expect(isOurs(ours.filter { $0.key == part }) == true)
      var objects = ours
      objects[part]?["metadata"]?["labels"] = [:]
      #expect(isOurs(objects) == false)
      objects = ours
      objects[part]?["metadata"]?["annotations"] = ["cert-manager.io/certificate-name": "rollcall"]
      #expect(isOurs(objects) == false)
    }
    var withoutKey = ours
    withoutKey[.authority]?["data"]?["ca.key"] = nil
    #expect(isOurs(withoutKey) == false)
  }

  // MARK: Secrecy

  @Test func `no description or reason reveals a private key`() throws {
    var secret = try firstSecret()
    let key = String(decoding: try #require(secret.members["controller.key"]), as: UTF8.self)
    let body = try #require(key.split(separator: "\n").dropFirst().first)
    let options = try secret.controllerOptions()
    #expect(!"\(options)".contains(body))
    // A key with a typo.
    secret.members["controller.key"] = Array(key.replacing("END", with: "DNE").utf8)
    let renewal = try #require(renewalDue(in: secret, after: 1))
    #expect(!renewal.reasons.joined().contains(body))
  }
}
