import HTTPTransport
import JSON
import KubeClient
import Roll
import Simulator
import TestSupport
import Testing

@testable import Controller

@Suite struct UndoneWritesTests {
  private let patience: Duration = .seconds(300)

  private func write(_ port: Int64 = 1, live: JSONValue? = ["spec": ["port": 0]]) -> ChangePlan.Write {
    let object: JSONValue = ["kind": "Service", "metadata": ["name": "a"], "spec": ["port": .integer(port)]]
    return ChangePlan.Write(object: .json(object), json: object, live: live, force: true)
  }

  private func mayRepeat(_ writes: inout UndoneWrites, _ write: ChangePlan.Write, at now: Moment) -> Bool {
    writes.mayRepeat(write, patience: patience, at: now)
  }

  private let name = ObjectName(kind: "Service", name: "a")

  /// Undone after each write, a second later.
  private func undo(_ writes: inout UndoneWrites, times: Int, from now: inout Double) {
    for _ in 0..<times {
      now += 1
      #expect(mayRepeat(&writes, write(), at: moment(now)) == true)
      writes.wrote(write().object, patience: patience, at: moment(now))
    }
  }

  @Test func `R84: the first writes are repeated at once, later ones after a wait that doubles`() throws {
    var writes = UndoneWrites()
    var now = 0.0
    writes.wrote(write().object, patience: patience, at: moment(now))
    undo(&writes, times: UndoneWrites.tolerated, from: &now)
    #expect(writes.problems.isEmpty && writes.nextChange(patience: patience) == nil)
    var waits: [Double] = []
    var last = moment(now)
    for _ in 0..<12 {
      #expect(mayRepeat(&writes, write(), at: last) == false)
      #expect(writes.problem(of: name)?.hasPrefix("changed after each write (kind, metadata, spec.port): ") == true)
      let retry = try #require(writes.nextChange(patience: patience))
      waits.append(Double(retry.milliseconds - last.milliseconds) / 1000)
      #expect(mayRepeat(&writes, write(), at: retry + .milliseconds(-1)) == false)
      #expect(mayRepeat(&writes, write(), at: retry) == true)
      #expect(!writes.isOnTrial(name))
      writes.wrote(write().object, patience: patience, at: retry)
      #expect(writes.isOnTrial(name))
      last = retry
    }
    // Between half and all of 2, 4, 8 … 300 seconds.
    for (number, wait) in waits.enumerated() {
      let whole = min(300, 2 * Double(1 << number))
      #expect((whole / 2 - 0.01...whole + 0.01).contains(wait))
    }
  }

  @Test func `R84: a write that lasts ends the failure, and another desired state is written at once`() {
    var writes = UndoneWrites()
    var now = 0.0
    writes.wrote(write().object, patience: patience, at: moment(now))
    undo(&writes, times: UndoneWrites.tolerated, from: &now)
    #expect(mayRepeat(&writes, write(live: nil), at: moment(now)) == false)
    #expect(writes.problem(of: name)?.hasPrefix("deleted after each write") == true)
    #expect(mayRepeat(&writes, write(2), at: moment(now)) == true)
    writes.wrote(write(2).object, patience: patience, at: moment(now))
    // Further changes of ours do not prolong it.
    writes.wrote(write(3).object, patience: patience, at: moment(now + 200))
    writes.recover(patience: patience, at: moment(now + 299))
    #expect(writes.nextChange(patience: patience) == moment(now + 300))
    writes.recover(patience: patience, at: moment(now + 300))
    #expect(writes.problems.isEmpty && writes.nextChange(patience: patience) == nil)
    // What is undone only now and then is restored each time.
    for _ in 0..<10 {
      now += 400
      #expect(mayRepeat(&writes, write(3), at: moment(now)) == true)
      writes.wrote(write(3).object, patience: patience, at: moment(now))
    }
    #expect(writes.problems.isEmpty)
  }

  @Test func `R84: an object that a policy controller changes back each time is failing until it is left alone`() async throws {
    try await withSimulator { server in
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
      let client = try KubeClient(
        configuration: try ClusterConfiguration.load(kubeconfig: kubeconfig, context: nil, environment: [:]), logger: .silent)
      let time = ManualTime()
      let target = Target(node: "node-0", source: .linux, address: "10.1.0.1", port: 9753)
      let reconciler = TargetReconciler(
        client: client, settings: TargetSettings(namespace: "rollcall"), time: time, logger: .silent, isLeading: { true },
        snapshot: { [target] })
      let policy = try HTTPTransport()
      let service = ObjectName(kind: "Service", name: "rollcall-linux")
      let component = {
        server.get("services", namespace: "rollcall", name: "rollcall-linux")?["metadata"]?["labels"]?["app.kubernetes.io/component"]
      }
      /// As a policy controller does: by Update, with a field manager of its own.
      func undo() async throws {
        var object = try #require(server.get("services", namespace: "rollcall", name: "rollcall-linux"))
        object["metadata"]?["labels"]?["app.kubernetes.io/component"] = "policy"
        let response = try await policy.send(
          HTTPRequest(
            method: "PUT", url: "\(server.url)/api/v1/namespaces/rollcall/services/rollcall-linux",
            headers: [HTTPHeader("Content-Type", "application/json"), HTTPHeader("User-Agent", "kyverno/1.15")], body: object.bytes,
            deadline: .seconds(60)))
        try #require(response.status == 200)
      }
      func isFailing() -> Bool { reconciler.status[.linux]?.failing[service] != nil }

      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await reconciler.watch {} }
        #expect(try await reconciler.reconcile(.linux) == .settled)
        try await eventually("the objects are watched") { server.watchCount == 3 }
        for _ in 0..<UndoneWrites.tolerated {
          try await undo()
          try await eventually("it is restored") {
            _ = try await reconciler.reconcile(.linux)
            return component() == "linux-targets"
          }
          #expect(!isFailing())
        }
        for _ in 0..<5 {
          try await undo()
          let writes = server.writeCount()
          var wait: Duration?
          try await eventually("it waits") {
            if case .again(let delay) = try await reconciler.reconcile(.linux), delay < .seconds(300) { wait = delay }
            return wait != nil
          }
          #expect(server.writeCount() == writes)
          let problem = reconciler.status[.linux]?.failing[service]
          #expect(
            problem == "changed after each write (metadata.labels.app.kubernetes.io/component) by kyverno: exempt objects labelled "
              + "app.kubernetes.io/managed-by=rollcall.dev there")
          time.advance(by: try #require(wait))
          _ = try await reconciler.reconcile(.linux)
          #expect(component() == "linux-targets" && server.writeCount() == writes + 1)
          #expect(isFailing(), "until the write has lasted")
        }
        time.advance(by: .seconds(300))
        #expect(try await reconciler.reconcile(.linux) == .settled)
        #expect(!isFailing())
        group.cancelAll()
      }
    }
  }
}
