import BenchmarkSupport
import Glibc
import JSON
import Roll

@testable import Controller

/// Measures the plan of the objects to write for the targets of a large cluster: all work between the rolls and the requests.
/// Prints a line for each pass; hack/bench-targets turns them into figures.
@main struct TargetsBenchmark {
  static let nodeCount = 5000
  /// Nodes replaced between two passes: 1 %.
  static let churn = 50

  let settings = TargetSettings(namespace: "rollcall")
  var rolls: [String: NodeRoll] = [:]
  var order = NodeOrder()
  var known: [ObjectName: KnownObject] = [:]
  var version = 0
  var nextNode = 0

  static func main() {
    var benchmark = TargetsBenchmark()
    for _ in 0..<nodeCount { benchmark.addNode() }
    benchmark.pass("first", concerned: 50)
    for _ in 0..<5 { benchmark.pass("rest", concerned: 0) }
    for _ in 0..<5 { benchmark.pass("churn", concerned: benchmark.replaceNodes()) }
    for _ in 0..<5 { benchmark.pass("rest", concerned: 0) }
  }

  mutating func addNode() {
    let number = nextNode
    nextNode += 1
    let address = "10.\(number / 65536).\(number / 256 % 256).\(number % 256)"
    let node = "ip-\(address.replacing(".", with: "-")).eu-central-1.compute.internal"
    rolls[node] = NodeRoll(
      node: node, source: .linux, address: address, nodeReady: true, entries: RollEntries(), exempt: [], hash: "")
    order.insert(node)
  }

  /// - Returns: the number of slices with an endpoint of a removed node.
  mutating func replaceNodes() -> Int {
    let gone = Set(rolls.keys.sorted().enumerated().filter { $0.offset % (Self.nodeCount / Self.churn) == 0 }.map(\.element))
    let concerned = known.values.count { known in
      known.slice?.members.contains { gone.contains($0.node) } == true
    }
    for node in gone {
      rolls[node] = nil
      order.remove(node)
    }
    for _ in gone { addNode() }
    return concerned
  }

  /// One pass of the reconciler, without its requests.
  mutating func pass(_ name: String, concerned: Int) {
    let start = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID)
    let targets = TargetBuilder(endpoints: settings.endpoints).targets(of: order.rolls(in: rolls))
    let desired = DesiredTargets(source: .linux, targets: targets, live: known.values.compactMap(\.slice), settings: settings)
    let plan = ChangePlan(known: known, desired: desired.desiredObjects, json: desired.json)
    let end = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID)
    for write in plan.apply {
      version += 1
      // The server keeps every field.
      var result = write.json
      result["metadata"]?["uid"] = "uid"
      result["metadata"]?["resourceVersion"] = .string("\(version)")
      known[write.object.name] = KnownObject(applied: write.object, json: write.json, result: result)
    }
    for object in plan.delete { known[object.name] = nil }
    let slices = plan.apply.count { $0.object.name.kind == ObjectName.sliceKind } + plan.delete.count
    print("\(name) milliseconds=\((end - start) * 1e3) slices=\(slices) concerned=\(concerned)")
  }
}
