import Foundation
import HTTPTransport
import JSON
import Logging
import Primitives
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// Uses a real Alertmanager, which the tests start and stop. One suite, because every test needs the same sender, clock and server.
@Suite(.enabled(if: findProgram("prometheus-alertmanager") != nil, "prometheus-alertmanager is not installed"))
struct AlertmanagerSenderTests {
  private final class World: Sendable {
    let gaps = Mutex<[Gap]>([])
    let transport: HTTPTransport
    let time: any TimeSource

    init(time: any TimeSource = SystemTime()) throws {
      transport = try HTTPTransport()
      self.time = time
    }
  }

  /// Short intervals, to keep the tests fast.
  private let policy = AlertPolicy(
    resend: .milliseconds(200), lifetime: .seconds(600), deadline: .seconds(5), gather: .milliseconds(1),
    backoff: .milliseconds(20)...(.milliseconds(200)))

  private func withSender(
    _ world: World, urls: [String] = [], settings: AlertmanagerSettings? = nil, policy: AlertPolicy? = nil,
    addresses: @escaping @Sendable (String) async throws -> [IPAddress] = { try await NameLookup.addresses(of: $0) },
    maySend: @escaping @Sendable () -> Bool = { true }, logger: Logger = .silent, _ body: (AlertmanagerSender) async throws -> Void
  ) async throws {
    let sender = AlertmanagerSender(
      settings: try settings ?? AlertmanagerSettings(urls: urls.map { try AlertmanagerURL($0) }), policy: policy ?? self.policy,
      transport: world.transport, time: world.time, logger: logger, addresses: addresses, maySend: maySend,
      gaps: { _ in [NodeGaps(node: "w1", collection: .some, expected: 9, gaps: world.gaps.withLock { $0 })] }, workload: { _ in nil })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await sender.run() }
      try await body(sender)
      group.cancelAll()
    }
  }

  private func set(_ world: World, _ gaps: [Gap], _ sender: AlertmanagerSender? = nil) {
    world.gaps.withLock { $0 = gaps }
    sender?.gapsChanged()
  }

  @Test(arguments: [200, 400]) func `R102: the status of an Alertmanager's answer counts, however long its body is`(status: Int)
    async throws
  {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: status, body: String(repeating: "x", count: 1 << 20)) }
    }
    defer { server.stop() }
    let world = try World()
    try await withSender(world, urls: [server.url]) { sender async throws in
      set(world, [cartGap("a")], sender)
      try await eventually("it is known") { sender.status.contains { status == 200 ? $0.sent > 0 : $0.refused > 0 } }
      #expect(sender.status.allSatisfy { $0.problem == nil })
    }
  }

  @Test func `R79: a sender that cannot know whether another replica leads sends nothing`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    let questions = Mutex((count: 0, answer: false))
    @Sendable func maySend() -> Bool {
      questions.withLock { questions in
        questions.count += 1
        return questions.answer
      }
    }
    try await withSender(world, urls: [alertmanager.url], maySend: maySend) { sender async throws in
      set(world, [cartGap("a")], sender)
      try await eventually("it has waited") { questions.withLock { $0.count } > 2 }
      #expect(sender.status.first?.sent == 0)
      questions.withLock { $0.answer = true }
      try await eventually("it is active") { try await alertmanager.active()["a"] != nil }
    }
  }

  @Test func `an open gap is an active alert, and closing it resolves the alert`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    // A long interval, so that only signals cause requests.
    try await withSender(world, urls: [alertmanager.url], policy: AlertPolicy(gather: .zero)) { sender async throws in
      set(world, [cartGap("a"), cartGap("b")], sender)
      try await eventually("both are active") { try await Set(alertmanager.active().keys) == ["a", "b"] }
      let alert = try #require(try await alertmanager.active()["a"])
      #expect(alert["labels"]?["alertname"] == "RollcallContainerUncollected")
      #expect(alert["annotations"]?["reason"] == "AgentUnreachable")

      set(world, [cartGap("b", reason: .agentTimeout)], sender)
      try await eventually("a is resolved, b has another reason") {
        let active = try await alertmanager.active()
        return active["a"] == nil && active["b"]?["annotations"]?["reason"] == "AgentTimeout"
      }
      // Alertmanager lists an alert before its response arrives.
      try await eventually("both requests are counted") { sender.status.first?.sent == 4 }
      let status = try #require(sender.status.first)
      #expect(status.failures == 0)
      #expect(status.problem == nil)
    }
  }

  @Test func `R65: an Alertmanager that loses its state in a restart gets its alerts again`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    try await withSender(world, urls: [alertmanager.url]) { sender async throws in
      set(world, [cartGap("a")], sender)
      try await eventually("a is active") { try await alertmanager.active()["a"] != nil }
      alertmanager.stop()
      try await eventually("the failure is reported") { sender.status.first?.problem != nil }
      try await alertmanager.start()
      try await eventually("a is active again") { try await alertmanager.active()["a"] != nil }
      try await eventually("no failure is reported") { sender.status.first?.problem == nil }
    }
  }

  @Test func `R65: an Alertmanager that is down delays no other, and gets the resolved alerts once it is back`() async throws {
    let world = try World()
    let up = try Alertmanager(transport: world.transport)
    let down = try Alertmanager(transport: world.transport)
    try await up.start()
    try await down.start()
    try await withSender(world, urls: [down.url, up.url]) { sender async throws in
      set(world, [cartGap("a"), cartGap("b")], sender)
      try await eventually("a is active on both") {
        let (one, other) = (try await up.active(), try await down.active())
        return one["a"] != nil && other["a"] != nil
      }
      down.stop()
      set(world, [cartGap("b"), cartGap("c")], sender)
      try await eventually("the other one is up to date") { try await Set(up.active().keys) == ["b", "c"] }
      try await eventually("the failure is reported") { sender.status.first?.problem != nil }
      #expect(sender.status.last?.problem == nil)
      try await down.start()
      try await eventually("the restarted one is up to date") { try await Set(down.active().keys) == ["b", "c"] }
    }
  }

  @Test func `Alertmanager accepts alerts with arbitrary text`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    try await withSender(world, urls: [alertmanager.url]) { sender async throws in
      set(world, [cartGap("a", detail: "\"quoted\" \\ <b> \u{1F9EA} line\nbreak \u{0} ü")], sender)
      try await eventually("the alert is active") { try await alertmanager.active()["a"] != nil }
      #expect(sender.status.first?.failures == 0)
    }
  }

  @Test func `a server that responds but is not an Alertmanager counts as a failure`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    try await withSender(world, urls: [alertmanager.url + "/elsewhere"]) { sender async throws in
      set(world, [cartGap("a")], sender)
      try await eventually("the failure is reported") { sender.status.first?.problem?.contains("status 404") == true }
    }
  }

  // MARK: One name, several Alertmanagers

  @Test func `R77: every member of a cluster behind one name gets all alerts, and has a status of its own`() async throws {
    let world = try World()
    let network = OwnAddress()
    let first = try Alertmanager(transport: world.transport, host: "\(network.network).1", cluster: .first)
    let second = try Alertmanager(transport: world.transport, host: "\(network.network).2", cluster: .joining("\(network.network).1"))
    try await first.start()
    try await second.start()
    let addresses = Mutex([first.host, second.host])
    let lookup: @Sendable (String) async throws -> [IPAddress] = { name in
      #expect(name == "alertmanager.monitoring")
      return addresses.withLock { $0 }.compactMap { IPAddress($0) }
    }
    let url = "http://alertmanager.monitoring:\(first.port)/am"
    try await withSender(world, urls: [url], policy: AlertPolicy(gather: .zero), addresses: lookup) { sender async throws in
      set(world, [cartGap("a"), cartGap("b")], sender)
      for alertmanager in [first, second] {
        try await eventually("\(alertmanager.host) has both") { try await Set(alertmanager.active().keys) == ["a", "b"] }
      }
      try await eventually("both are counted") { sender.status.map(\.sent) == [2, 2] }
      #expect(sender.status.map(\.address) == [first.host, second.host])

      // One is down: the other is not affected, and the difference shows.
      second.stop()
      set(world, [cartGap("b"), cartGap("c")], sender)
      try await eventually("the first one is up to date") { try await Set(first.active().keys) == ["b", "c"] }
      try await eventually("the failure is reported") { sender.status.map { $0.problem == nil } == [true, false] }

      // It returns at another address.
      let moved = try Alertmanager(transport: world.transport, host: "\(network.network).3", cluster: .joining("\(network.network).1"))
      try await moved.start()
      addresses.withLock { $0 = [first.host, moved.host] }
      try await eventually("the new address gets all alerts") { try await Set(moved.active().keys) == ["b", "c"] }
      try await eventually("the old one is gone") { sender.status.map(\.address) == [first.host, moved.host] }
      #expect(sender.status.allSatisfy { $0.problem == nil })
    }
  }

  @Test func `R77: while a name cannot be looked up the last addresses stay, and before that the failure shows`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    let lookups = Atomic(0)
    let lookup: @Sendable (String) async throws -> [IPAddress] = { name in
      guard lookups.wrappingAdd(1, ordering: .relaxed).oldValue == 1, let address = IPAddress(alertmanager.host) else {
        throw NameLookupError(name: name, reason: "Try again")
      }
      return [address]
    }
    set(world, [cartGap("a")])
    let log = RecordedLog()
    try await withSender(world, urls: ["http://am:\(alertmanager.port)/am"], addresses: lookup, logger: log.logger) { sender async throws in
      try await eventually("the failure shows") { sender.status.first?.problem == "cannot look up am: Try again" }
      #expect(sender.status.first?.address == "")
      try await eventually("the alert is sent") { try await alertmanager.active()["a"] != nil }
      try await eventually("the name was looked up again") { lookups.load(ordering: .relaxed) > 2 }
      #expect(sender.status.map(\.address) == [alertmanager.host])
      set(world, [cartGap("b")], sender)
      try await eventually("a new alert is sent") { try await Set(alertmanager.active().keys) == ["b"] }
    }
    #expect(log.count("cannot look up Alertmanager") == 2)
  }

  @Test func `R77: an address of the other family at which nobody listens is not reported`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    let lookup: @Sendable (String) async throws -> [IPAddress] = { _ in ["::1", alertmanager.host].compactMap { IPAddress($0) } }
    try await withSender(world, urls: ["http://localhost:\(alertmanager.port)/am"], addresses: lookup) { sender async throws in
      set(world, [cartGap("a")], sender)
      try await eventually("the alert is sent") { try await alertmanager.active()["a"] != nil }
      try await eventually("only the address that works is shown") { sender.status.map(\.address) == [alertmanager.host] }
      #expect(sender.status.first?.problem == nil)
    }
  }

  @Test func `R77: TLS with a client certificate, from files that are read again, verified by the name in the URL`() async throws {
    let world = try World()
    let folder = try TemporaryFolder()
    let authority = try TestAuthority(in: folder, name: "authority")
    let other = try TestAuthority(in: folder, name: "other")
    let server = try authority.issue("server", subjectAlternativeName: "DNS:alertmanager.monitoring", usage: "serverAuth")
    let client = try authority.issue("client", usage: "clientAuth")
    let web = try folder.write(
      """
      tls_server_config:
        cert_file: \(server.certificate)
        key_file: \(server.key)
        client_auth_type: RequireAndVerifyClientCert
        client_ca_file: \(authority.certificate)
      """, to: "web.yml")
    let alertmanager = try Alertmanager(transport: world.transport, arguments: ["--web.config.file=\(web)"])
    try await alertmanager.start()
    // At first the CA is another one.
    let authorities = try folder.write(try String(contentsOfFile: other.certificate, encoding: .utf8), to: "ca.crt")
    let tls = TLSOptions(
      certificateAuthorities: .file(authorities), clientCertificate: .file(client.certificate), clientKey: .file(client.key))
    let settings = AlertmanagerSettings(urls: [try AlertmanagerURL("https://alertmanager.monitoring:\(alertmanager.port)/am")], tls: tls)
    let lookup: @Sendable (String) async throws -> [IPAddress] = { _ in [alertmanager.host].compactMap { IPAddress($0) } }
    try await withSender(world, settings: settings, addresses: lookup) { sender async throws in
      set(world, [cartGap("a")], sender)
      try await eventually("the certificate is refused") { sender.status.first?.problem?.contains("certificate") == true }
      #expect(sender.status.first?.sent == 0)
      _ = try folder.write(try String(contentsOfFile: authority.certificate, encoding: .utf8), to: "ca.crt")
      try await eventually("the alert is accepted") { sender.status.first.map { $0.sent > 0 && $0.problem == nil } == true }
    }
  }

  @Test func `R77: the headers file is read at each use`() async throws {
    let world = try World()
    let folder = try TemporaryFolder()
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    defer { server.stop() }
    let file = try folder.write("X-Scope-OrgID: one\n", to: "headers")
    let settings = AlertmanagerSettings(urls: [try AlertmanagerURL(server.url)], headersFile: file)
    try await withSender(world, settings: settings) { sender async throws in
      set(world, [cartGap("a")], sender)
      try await eventually("the header is sent") { server.requests.last?.header("X-Scope-OrgID") == "one" }
      _ = try folder.write("X-Scope-OrgID: two\n", to: "headers")
      try await eventually("the new header is sent") { server.requests.last?.header("X-Scope-OrgID") == "two" }
      #expect(server.requests.last?.header("Content-Type") == "application/json")
    }
  }

  // MARK: Bad alerts and bad times

  @Test func `R78: Alertmanager has every alert but the one that it refuses, which is logged once`() async throws {
    let world = try World()
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    let log = RecordedLog()
    // Label names of the whole service are checked by Alertmanager; an empty label value would be dropped. A proxy stands for what refuses.
    let proxy = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let transport = world.transport
        if request.text.contains("\"p7\"") {
          try connection.respond(status: 400, body: "bad")
        } else {
          try connection.respond(status: 200, headers: [("Date", Self.httpDate())])
          Task { try await transport.send(Self.post(request.body, to: "\(alertmanager.url)/api/v2/alerts")) }
        }
      }
    }
    defer { proxy.stop() }
    try await withSender(world, urls: [proxy.url], logger: log.logger) { sender async throws in
      set(world, (0..<20).map { cartGap("p\($0)") }, sender)
      try await eventually("all others are active") {
        try await Set(alertmanager.active().keys) == Set((0..<20).filter { $0 != 7 }.map { "p\($0)" })
      }
      try await eventually("the bad one was tried again") { (sender.status.first?.refused ?? 0) > 2 }
      #expect(sender.status.first?.failures == 0)
      set(world, [cartGap("p7"), cartGap("new")], sender)
      try await eventually("ends and beginnings are sent") { try await Set(alertmanager.active().keys) == ["new"] }
    }
    #expect(log.count("Alertmanager refuses an alert") == 1)
    #expect(log.lines.contains { $0.metadata["alert"] == "RollcallContainerUncollected of shop/p7/cart" })
  }

  private static func httpDate() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.string(from: Date())
  }

  private static func post(_ body: [UInt8], to url: String) -> HTTPRequest {
    HTTPRequest(method: "POST", url: url, headers: [HTTPHeader("Content-Type", "application/json")], body: body)
  }

  /// Alertmanager refuses an alert that ends before it starts, and takes one whose end has passed for resolved.
  @Test(arguments: [-3600, 3600] as [Int64])
  func `R78: alerts are active and end when our clock is an hour off, and when it is set meanwhile`(seconds: Int64) async throws {
    let world = try World(time: SteppedTime(offset: .seconds(seconds)))
    let alertmanager = try Alertmanager(transport: world.transport)
    try await alertmanager.start()
    try await withSender(world, urls: [alertmanager.url]) { sender async throws in
      set(world, [cartGap("a"), cartGap("b")], sender)
      try await eventually("both are active") { try await Set(alertmanager.active().keys) == ["a", "b"] }
      (world.time as? SteppedTime)?.set(.seconds(-seconds))
      let sent = sender.status.first?.sent ?? 0
      try await eventually("both were repeated") { (sender.status.first?.sent ?? 0) >= sent + 4 }
      #expect(try await Set(alertmanager.active().keys) == ["a", "b"])
      set(world, [cartGap("b"), cartGap("c")], sender)
      try await eventually("the gap that closed has ended, and the new one is active") {
        try await Set(alertmanager.active().keys) == ["b", "c"]
      }
      #expect(sender.status.first?.failures == 0)
      #expect(sender.status.first?.refused == 0)
    }
  }

  @Test func `R84: after an outage of Alertmanager a new gap is delivered within 15 s`() async throws {
    let time = FastTime()
    let world = try World(time: time)
    let alertmanager = try Alertmanager(transport: world.transport)
    set(world, [cartGap("a")])
    try await withSender(world, urls: [alertmanager.url], policy: AlertPolicy()) { sender async throws in
      // By then the wait between two attempts does not grow any more.
      try await eventually("several attempts failed") { (sender.status.first?.failures ?? 0) >= 8 }
      // Connecting to a machine that is gone takes longer than to one without a listener.
      #expect(time.longestSleep + HTTPRequest(url: "").connectTimeout < .seconds(15))
      try await alertmanager.start()
      set(world, [cartGap("a"), cartGap("b")], sender)
      try await eventually("both are active") { try await Set(alertmanager.active().keys) == ["a", "b"] }
    }
  }
}

/// The system's clocks, with the wall clock off.
private final class SteppedTime: TimeSource {
  private let system = SystemTime()
  private let offset: Mutex<Duration>

  init(offset: Duration) {
    self.offset = Mutex(offset)
  }

  func set(_ new: Duration) { offset.withLock { $0 = new } }

  func reading() -> ClockReading {
    var reading = system.reading()
    reading.unixMilliseconds += offset.withLock { $0 }.wholeMilliseconds
    return reading
  }

  func sleep(until moment: Moment) async throws { try await system.sleep(until: moment) }
}

/// An Alertmanager that can be restarted.
private final class Alertmanager: Sendable {
  enum Cluster {
    case none, first
    /// With the member at this host.
    case joining(String)
  }

  let folder: TemporaryFolder
  let host: String
  let port: Int
  private let address: OwnAddress?
  private let arguments: [String]
  private let program = Mutex<ExternalProgram?>(nil)
  private let transport: HTTPTransport

  init(transport: HTTPTransport, host: String? = nil, cluster: Cluster = .none, arguments: [String] = []) throws {
    folder = try TemporaryFolder()
    self.transport = transport
    address = host == nil ? OwnAddress() : nil
    self.host = host ?? address?.host ?? ""
    port = address?.port ?? 9000
    let gossip = "\(self.host):9094"
    self.arguments =
      arguments
      + {
        switch cluster {
        case .none: ["--cluster.listen-address="]
        case .first: ["--cluster.listen-address=\(gossip)", "--cluster.advertise-address=\(gossip)"]
        case .joining(let peer):
          ["--cluster.listen-address=\(gossip)", "--cluster.advertise-address=\(gossip)", "--cluster.peer=\(peer):9094"]
        }
      }()
    _ = try folder.write("route: {receiver: none}\nreceivers: [{name: none}]\n", to: "alertmanager.yml")
  }

  deinit { program.withLock { $0?.stop() } }

  var url: String { "http://\(host):\(port)/am" }

  /// Starts it with an empty disk.
  func start() async throws {
    let data = "\(folder.path)/data-\(UInt32.random(in: .min ... .max))"
    let new = try ExternalProgram(
      "prometheus-alertmanager",
      [
        "--config.file=\(folder.path)/alertmanager.yml", "--storage.path=\(data)", "--web.listen-address=\(host):\(port)",
        "--web.route-prefix=/am",
      ] + arguments, log: folder.path + "/log")
    program.withLock { $0 = new }
    try await new.waitForPort(port, host: host)
  }

  func stop() { program.withLock { $0?.stop() } }

  /// Active alerts by pod.
  func active() async throws -> [String: JSONValue] {
    let response = try await transport.send(HTTPRequest(url: "\(url)/api/v2/alerts?active=true"))
    let alerts = try JSONValue(parsing: response.body).array ?? []
    return Dictionary(alerts.map { ($0["labels"]?["pod"]?.string ?? "?", $0) }, uniquingKeysWith: { first, _ in first })
  }
}
