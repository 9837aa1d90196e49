import Foundation
import JSON
import TestSupport
import Testing

/// An installation with one Secret, connected agents and an open gap gets a new controller.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct UpgradeTests {
  @Test(.enabled(if: Containerd.isPermitted, Containerd.condition))
  func `R105: one Secret becomes two, and agents answer and gaps age as before`() async throws {
    try await LinuxCluster.withCluster { cluster, containerd in
      let (collected, missing) = (TestPod(name: "web-0"), TestPod(name: "lost-0"))
      let id = try containerd.start(
        podUID: collected.uid, networkNamespace: try containerd.makeNetworkNamespace(), script: "sleep 100000")
      try cluster.put(collected.object(containerID: id))
      try cluster.put(missing.object(containerID: String(repeating: "0", count: 64)))
      func gaps() async throws -> [String] {
        try await cluster.gaps().map { "\($0["pod"]?.string ?? "") \($0["reason"]?.string ?? "") \($0["since"]?.string ?? "")" }
      }
      try await cluster.eventually("the lost container is a gap") { try await gaps().contains { $0.hasPrefix("lost-0 PidNotFound 2") } }
      #expect(try await gaps().count == 1)
      let secrets = cluster.secrets()

      cluster.killController()
      let upgraded = Date.now.formatted(.iso8601)
      try cluster.mergeSecrets()
      try await cluster.startController()
      try await cluster.eventually("there are two Secrets with the same certificates and keys") { cluster.secrets() == secrets }
      // More intervals of a second than the threshold of ten: a call that fails would be a gap by then.
      try await cluster.eventually("the new controller has called the agent for longer than the threshold") {
        try await cluster.metric("rollcall_collections_total", where: "source=\"linux\"") ?? 0 >= 15
      }
      let after = try await gaps()
      #expect(after.count == 1)
      // Not exactly as before: each process reads the wall clock and the other one at slightly different moments.
      #expect(after.allSatisfy { $0.hasPrefix("lost-0 PidNotFound 2") && $0 < "lost-0 PidNotFound \(upgraded)" })
    }
  }
}
