import Collector
import JSON
import Roll
import Simulator
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// A complete controller with a stand-in for Alertmanager, which records what it gets.
@Suite struct AlertHandOverTests {
  /// Misses the containers of some pods.
  private final class PartlyDown: NodeCollector {
    let missing = Mutex<Set<String>>([])

    func call(_ roll: NodeRoll) async -> RollCall {
      let missing = missing.withLock { $0 }
      return RollCall(
        answers: roll.entries.map { entry in
          missing.contains(entry.reference.pod) ? .missed(.pidNotFound, detail: "gone") : .collected(age: .zero)
        }, lastScrape: .notObservable)
    }
  }

  /// The alerts received, by pod or workload; empty for a node.
  private final class Received: Sendable {
    private let alerts = Mutex<[(name: String, isFiring: Bool)]>([])

    func append(_ name: String, isFiring: Bool) { alerts.withLock { $0.append((name, isFiring)) } }
    func forget() { alerts.withLock { $0 = [] } }
    func names(isFiring: Bool) -> Set<String> { Set(alerts.withLock { $0 }.filter { $0.isFiring == isFiring }.map(\.name)) }
  }

  @Test func `R80: a new leader continues the alert on a workload that has few gaps left`() async throws {
    let collector = PartlyDown()
    let time = FastTime()
    let received = Received()
    let alertmanager = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let now = rfc3339(time.reading().unixMilliseconds)
        for alert in try JSONValue(parsing: request.body).array ?? [] {
          let labels = alert["labels"]
          let name = labels?["pod"]?.string ?? labels?["workload"]?.string ?? ""
          received.append(name, isFiring: alert["endsAt"]?.string ?? "" > now)
        }
        try connection.respond(status: 200)
      }
    }
    let flags = ["interval": ["5s"], "threshold": ["60s"], "alertmanager-url": [alertmanager.url]]
    try await withSimulator { server in
      try server.put(nodeObject("a", address: "10.0.0.1"))
      for number in 0..<6 {
        var pod = podObject("cart-\(number)", on: "a", id: "containerd://\(number)")
        pod["metadata"]?["ownerReferences"] = [
          ["apiVersion": "apps/v1", "kind": "StatefulSet", "name": "cart", "uid": "1", "controller": true]
        ]
        try server.put(pod)
      }
      collector.missing.withLock { $0 = ["cart-0", "cart-1", "cart-2", "cart-3", "cart-4"] }
      let collectors = NodeCollectors { _ in collector }
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: collectors, flags: flags, time: time) { running in
        try await eventually("the workload has an alert") { received.names(isFiring: true).contains("cart") }
        collector.missing.withLock { $0 = ["cart-0"] }
        try await eventually("one gap is left") { try await running.gaps()?.count == 1 }
      }
      received.forget()
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: collectors, flags: flags, time: time) { running in
        try await eventually("the new leader has sent its alerts") { !received.names(isFiring: true).isEmpty }
        #expect(try await running.gaps()?.count == 1)
      }
      #expect(received.names(isFiring: true) == ["cart"])
      #expect(!received.names(isFiring: false).contains("cart"))
    }
  }
}
