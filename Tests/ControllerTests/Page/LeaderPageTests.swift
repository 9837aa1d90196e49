import Collector
import Foundation
import HTTPTransport
import TestSupport
import Testing

@testable import Controller

@Suite struct LeaderPageTests {
  private func pages(of leader: ServedController, connection: LeaderPages.Connection = .plain, token: HeadersFile? = nil) throws
    -> LeaderPages
  {
    let (transport, authority) = (try HTTPTransport(), leader.authority)
    return LeaderPages(
      identity: "replica-0", transport: transport, address: { authority }, connection: { connection }, token: token)
  }

  private func follow(_ leader: ServedController, _ pages: LeaderPages, _ body: (ServedController) async throws -> Void) async throws {
    try await ServedController.run(leader: { _ in pages }) { follower in
      follower.leadership.status = LeadershipStatus(isLeader: false, holder: "replica-1")
      try await body(follower)
    }
  }

  @Test func `R132: a replica that does not lead shows the leader's page`() async throws {
    try await ServedController.run { leader in
      leader.publishSample()
      try await follow(leader, try pages(of: leader)) { follower in
        for path in PageTests.views {
          let page = try await follower.request(path)
          #expect(page.status == 200, "\(path)")
          let text = String(decoding: page.body, as: UTF8.self)
          #expect(text.contains("from the replica that leads; asked by replica-0, which does not"), "\(path)")
        }
        #expect(try await follower.text("/page/gaps?q=quiet").contains("1 to 1 of 1 gaps"), "with the query")
        #expect(try await follower.request("/page/gaps?sort=x").status == 400, "with the status")
        #expect(try await follower.request("/page/style.css").status == 200)
      }
    }
  }

  @Test func `R132: without the leader's page there is a page that says why and what to do`() async throws {
    try await ServedController.run { leader in
      leader.publishSample()
      func problem(_ pages: LeaderPages) async throws -> String {
        var text = ""
        try await follow(leader, pages) { follower in
          let page = try await follower.request("/page/gaps")
          #expect(page.status == 503)
          text = String(decoding: page.body, as: UTF8.self)
        }
        #expect(text.contains("replica-1 does") && text.contains("kubectl port-forward pod/replica-1"))
        return text
      }
      let unknown = LeaderPages(
        identity: "replica-0", transport: try HTTPTransport(), address: { nil }, connection: { .plain }, token: nil)
      #expect(try await problem(unknown).contains("address is not known"))
      let folder = try TemporaryFolder()
      let token = HeadersFile(path: try folder.write("secret", to: "token"), isToken: true)
      #expect(try await problem(pages(of: leader, token: token)).contains("no token is sent"))
      #expect(try await problem(pages(of: leader, connection: .unknown(reason: "Not <verified>."))).contains("Not &lt;verified&gt;."))
      let closed = OwnAddress()
      let away = LeaderPages(
        identity: "replica-0", transport: try HTTPTransport(), address: { "\(closed)" }, connection: { .plain }, token: nil)
      #expect(try await problem(away).contains("\(closed)"))
    }
  }

  @Test func `R132: two replicas that both do not lead do not ask each other for ever`() async throws {
    try await ServedController.run { other in
      other.leadership.status = LeadershipStatus(isLeader: false, holder: "replica-0")
      try await follow(other, try pages(of: other)) { follower in
        let page = try await follower.request("/")
        #expect(page.status == 503 && String(decoding: page.body, as: UTF8.self).contains("no replica does yet"))
      }
    }
  }

  @Test func `R132: the leader is asked with the token of our service account, over a verified connection`() async throws {
    let (policy, now) = (CertificatePolicy(), Int64(Date.now.timeIntervalSince1970))
    func secret() throws -> TLSSecret { try CertificateRenewal.newSecret(policy: policy, now: now) }
    let own = try secret()
    let parsed = try ParsedSecret(own)
    let certificates = PortCertificates(names: PortNames(namespace: "rollcall"), logger: .silent)
    try certificates.renew(by: try parsed.authority(at: now), trusted: parsed.authorities, now: now)
    let tls = PortTLS(logger: .silent) { certificates.current }
    let strangers = PortAccessSettings(wantsAuthorization: true, wantsTLS: true, trustsLoopback: false, openPaths: [])
    let folder = try TemporaryFolder()
    func connection(_ secret: TLSSecret) throws -> LeaderPages.Connection {
      ControllerSettings().leaderConnection(authorities: .memory(try #require(secret.members["ca.crt"])))
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await tls.run() }
      try await eventually("the certificate is loaded") { tls.context != nil }
      try await ServedController.run(access: strangers, tls: tls) { leader in
        leader.publishSample()
        leader.reviews.accept("own", of: "controller")
        leader.reviews.allow("controller", "get", "/page/gaps")
        func page(_ token: String, _ connection: LeaderPages.Connection) async throws -> (status: Int, text: String) {
          let file = HeadersFile(path: try folder.write(token, to: "token-\(token)"), isToken: true)
          var result = (status: 0, text: "")
          try await follow(leader, try pages(of: leader, connection: connection, token: file)) { follower in
            let page = try await follower.request("/page/gaps")
            result = (page.status, String(decoding: page.body, as: UTF8.self))
          }
          return result
        }
        let shown = try await page("own", try connection(own))
        #expect(shown.status == 200 && shown.text.contains("asked by replica-0"))
        let refused = try await page("other", try connection(own))
        #expect(refused.status == 503 && refused.text.contains("It answered 401"))
        let reviewed = leader.reviews.tokens
        #expect(try await page("own", try connection(try secret())).status == 503, "another authority")
        #expect(leader.reviews.tokens == reviewed, "which has not seen the token")
      }
      group.cancelAll()
    }
  }

  @Test func `R132: the leader's port is reached at the address of its Pod`() throws {
    let settings = ControllerSettings()
    #expect(settings.portAddress(of: "10.0.0.1") == "10.0.0.1:9750" && settings.portAddress(of: "fd00::1") == "[fd00::1]:9750")
    guard case .unknown = settings.leaderConnection(authorities: nil) else { throw UnexpectedConnection() }
    guard case .tls(let options) = settings.leaderConnection(authorities: .memory([1])) else { throw UnexpectedConnection() }
    #expect(options.serverName == "rollcall-controller" && options.verification == .full)
  }

  private struct UnexpectedConnection: Error {}
}
