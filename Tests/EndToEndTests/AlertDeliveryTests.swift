import Foundation
import JSON
import TestSupport
import Testing

/// The built controller and two clustered Alertmanagers with one name, in a network and a mount namespace of their own.
@Suite struct AlertDeliveryTests {
  private static let missing = ["unshare", "ip", "amtool", "prometheus-alertmanager"].filter { findProgram($0) == nil }

  @Test(
    .enabled(if: geteuid() == 0, "namespaces need root"), .enabled(if: missing.isEmpty, "not installed: \(missing)"),
    .timeLimit(.minutes(5)))
  func `R77: both members of a cluster behind one name in the hosts file have every alert`() async throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("127.0.0.2 am\n127.0.0.3 am\n127.0.0.1 localhost\n", to: "hosts")
    _ = try folder.write("route: {receiver: none}\nreceivers: [{name: none}]\n", to: "am.yml")
    let rollcall = try builtExecutable("rollcall")
    // Prints the alerts of each member again and again.
    let script = try folder.write(
      """
      set -e
      cd '\(folder.path)'
      ip link set lo up
      mount --bind hosts /etc/hosts
      member() {
        prometheus-alertmanager --config.file=am.yml --storage.path="data-$1" --web.listen-address="$1:9093" \\
          --cluster.listen-address="$1:9094" --cluster.advertise-address="$1:9094" $2 >"$1.log" 2>&1 &
      }
      member 127.0.0.2
      member 127.0.0.3 --cluster.peer=127.0.0.2:9094
      '\(rollcall)' simulate --kubeconfig kubeconfig --nodes 2 --pods-per-node 5 --no-exporters >simulate.log 2>&1 &
      until [ -s kubeconfig ]; do sleep 0.1; done
      '\(rollcall)' controller --kubeconfig kubeconfig --namespace rollcall --allow-loopback-targets --listen 127.0.0.1:9750 \\
        --leader-election off --interval 1s --threshold 3s --grace 0s --external-labels cluster=east \\
        --alertmanager-url http://am:9093 >controller.log 2>&1 &
      while true; do
        for address in 127.0.0.2 127.0.0.3; do
          amtool --alertmanager.url="http://$address:9093" alert query -o json || echo '[]'
        done
        sleep 0.5
      done
      """, to: "script.sh")
    let program = try ExternalProgram(
      "unshare", ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", script], log: "\(folder.path)/output")
    defer { program.stop() }

    var last: [[JSONValue]] = []
    try await eventually("both members have the same alerts", within: .seconds(120)) {
      guard program.isRunning else { throw CommandFailed(description: program.output) }
      let lines = program.output.split(separator: "\n").filter { $0.hasPrefix("[") && $0.hasSuffix("]") }
      last = try lines.suffix(2).map { try JSONValue(parsing: Array($0.utf8)).array ?? [] }
      return last.count == 2 && !last[0].isEmpty && Set(last[0].map(Self.identity)) == Set(last[1].map(Self.identity))
    }
    #expect(last[0].allSatisfy { $0["labels"]?["cluster"] == "east" })
  }

  private static func identity(_ alert: JSONValue) -> JSONValue { alert["labels"] ?? .null }
}
