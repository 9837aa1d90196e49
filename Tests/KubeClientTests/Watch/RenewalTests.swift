import Foundation
import HTTPTransport
import Logging
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// An open watch whose certificate files change.
@Suite(.timeLimit(.minutes(2))) struct RenewalTests {
  @Test(
    .enabled(if: findProgram("nginx") != nil, "nginx is not installed: apt-get install nginx-light"),
    arguments: ["client certificate", "authorities"])
  func `R21: after a rotation of certificates an open watch continues on a new connection`(_ what: String) async throws {
    let folder = try TemporaryFolder()
    let authority = try TestAuthority(in: folder, name: "cluster")
    let end = Gate()
    let server = try scriptedServer { request, connection in
      guard request.isWatch else { return try connection.json(#"{"kind":"NodeList","metadata":{"resourceVersion":"10"},"items":[]}"#) }
      try connection.beginWatch()
      if request.parameter("resourceVersion") == "10" {
        try connection.sendChunk(#"{"type":"ADDED","object":{"kind":"Node","metadata":{"name":"a","resourceVersion":"11"}}}"# + "\n")
      }
      try connection.stall(until: end)
    }
    let front = try await TLSFront(
      folder: folder, signedBy: authority, clientAuthority: authority.certificate, upstream: server.url)
    defer { front.stop() }
    let (old, new) = (try authority.issue("old-name", usage: "clientAuth"), try authority.issue("new-name", usage: "clientAuth"))
    let (trusted, certificate, key) = ("\(folder.path)/ca.crt", "\(folder.path)/client.crt", "\(folder.path)/client.key")
    try replaceFile(authority.certificate, to: trusted)
    try replaceFile(old.certificate, to: certificate)
    try replaceFile(old.key, to: key)
    let tls = ClusterTLS(certificateAuthorities: .file(trusted), clientCertificate: .file(certificate), clientKey: .file(key))
    var policy = WatchPolicy.standard
    policy.usesInitialEvents = false
    policy.certificatesCheck = .milliseconds(50)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let client = try KubeClient(configuration: ClusterConfiguration(server: front.url, tls: tls), logger: logger)
    let reflector = Reflector(client: client, resource: .nodes, decoder: .nodes(), policy: policy, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await reflector.run() }
      try await eventually("the first event is stored") { reflector.store.snapshot().count == 1 }
      if what == "authorities" {
        // As in a rotation of authorities: both are trusted for a while.
        let second = try TestAuthority(in: folder, name: "second")
        let both = try [authority.certificate, second.certificate].map { try String(contentsOfFile: $0, encoding: .utf8) }
        try replaceFile(try folder.write(both.joined(), to: "both.crt"), to: trusted)
      } else {
        // The key first: the pair is unusable in between, which must not end the watch.
        try replaceFile(new.key, to: key)
        try replaceFile(new.certificate, to: certificate)
      }
      try await eventually("the watch is reopened") {
        let watch = server.requests.last { $0.isWatch }
        return watch?.parameter("resourceVersion") == "11" && watch?.header("x-caller") == caller(what)
      }
      group.cancelAll()
    }
    end.open()
    let watches = server.requests.filter(\.isWatch)
    #expect(watches.first?.header("x-caller") == "CN=old-name")
    #expect(watches.first?.header("x-connection") != watches.last?.header("x-connection"))
    #expect(server.requests.count { !$0.isWatch } == 1, "there is no second list")
    if what == "authorities" {
      #expect(watches.count == 2)
      #expect(reflector.statistics.failures == 0, "no back-off")
    }
  }

  private func caller(_ what: String) -> String { what == "authorities" ? "CN=old-name" : "CN=new-name" }

  @Test func `R21: unchanged or temporarily unreadable files do not end a watch`() async throws {
    let end = Gate()
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.beginWatch()
      try connection.stall(until: end)
    }
    let stream = try await HTTPTransport().open(HTTPRequest(url: server.url))
    let files = Mutex<TLSOptions?>(TLSOptions(clientCertificate: .memory([1])))
    let renewal = ConnectionRenewal { files.withLock(\.self) }
    renewal.willOpen()
    renewal.streamOpened(stream)
    renewal.check()
    files.withLock { $0 = nil }
    renewal.check()
    #expect(!renewal.hasEnded)
    files.withLock { $0 = TLSOptions(clientCertificate: .memory([2])) }
    renewal.check()
    #expect(renewal.hasEnded)
    await #expect(throws: HTTPTransportError.self) { try await stream.body.collect(upTo: 10) }
    renewal.streamClosed()
    #expect(!renewal.hasEnded, "the flag is reset for the next watch")
    end.open()
  }
}
