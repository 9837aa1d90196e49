import Foundation
import HTTPTransport
import JSON
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// Uses a real Alertmanager, which the tests start and stop.
@Suite(.enabled(if: findProgram("prometheus-alertmanager") != nil, "prometheus-alertmanager is not installed"))
struct AlertmanagerSenderTests {
  /// An Alertmanager that can be restarted.
  private final class Alertmanager: Sendable {
    let folder: TemporaryFolder
    private let address = OwnAddress()
    private let program = Mutex<ExternalProgram?>(nil)
    private let transport: HTTPTransport

    init(transport: HTTPTransport) throws {
      folder = try TemporaryFolder()
      self.transport = transport
      _ = try folder.write("route: {receiver: none}\nreceivers: [{name: none}]\n", to: "alertmanager.yml")
    }

    deinit { program.withLock { $0?.stop() } }

    var url: String { "http://\(address)/am" }

    /// Starts it with an empty disk.
    func start() async throws {
      let data = "\(folder.path)/data-\(UInt32.random(in: .min ... .max))"
      let new = try ExternalProgram(
        "prometheus-alertmanager",
        [
          "--config.file=\(folder.path)/alertmanager.yml", "--storage.path=\(data)", "--web.listen-address=\(address)",
          "--web.route-prefix=/am", "--cluster.listen-address=",
        ], log: folder.path + "/log")
      program.withLock { $0 = new }
      try await new.waitForPort(address)
    }

    func stop() { program.withLock { $0?.stop() } }

    /// Active alerts by pod.
    func active() async throws -> [String: JSONValue] {
      let response = try await transport.send(HTTPRequest(url: "\(url)/api/v2/alerts?active=true"))
      let alerts = try JSONValue(parsing: response.body).array ?? []
      return Dictionary(alerts.map { ($0["labels"]?["pod"]?.string ?? "?", $0) }, uniquingKeysWith: { first, _ in first })
    }
  }

  private final class World: Sendable {
    let gaps = Mutex<[Gap]>([])
    let transport: HTTPTransport
    let time = SystemTime()

    init() throws { transport = try HTTPTransport() }
  }

  /// Short intervals, to keep the tests fast.
  private let policy = AlertPolicy(
    resend: .milliseconds(200), lifetime: .seconds(600), deadline: .seconds(5), gather: .milliseconds(1), firstBackoff: .milliseconds(20))

  private func withSender(
    _ world: World, urls: [String], policy: AlertPolicy? = nil, _ body: (AlertmanagerSender) async throws -> Void
  ) async throws {
    let sender = AlertmanagerSender(
      urls: try urls.map { try AlertmanagerURL($0) }, policy: policy ?? self.policy, transport: world.transport, time: world.time,
      logger: .silent, gaps: { world.gaps.withLock { $0 } })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await sender.run() }
      try await body(sender)
      group.cancelAll()
    }
  }

  private func set(_ world: World, _ gaps: [Gap], _ sender: AlertmanagerSender) {
    world.gaps.withLock { $0 = gaps }
    sender.gapsChanged()
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
}
