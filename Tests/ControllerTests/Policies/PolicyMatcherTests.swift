import JSON
import KubeClient
import Primitives
import Roll
import Testing

@testable import Controller

@Suite struct PolicyMatcherTests {
  private func pod(
    _ name: String = "web-0", in namespace: String = "shop", labels: [String: String] = ["app": "web"],
    workload: Workload? = Workload(kind: "Deployment", name: "web"), runtimeClass: String? = nil
  ) -> PodRecord {
    PodRecord(
      namespace: namespace, name: name, uid: name, nodeName: "w1", phase: "Running", workload: workload, runtimeClassName: runtimeClass,
      containers: [containerRecord("app")], images: ["app": "web"], labels: labels)
  }

  /// The names of the policies that select the Pod.
  private func selecting(
    _ selectors: [JSONValue], _ pod: PodRecord, node: [String: String] = [:], source: Source = .linux,
    namespaces: [String: [String: String]] = [:]
  ) throws -> [Int] {
    let policies = try selectors.enumerated().map { try policy("\($0)", priority: -Int64($0), $1, exempt) }
    var matcher = PolicyMatcher(PolicySet(policies, namespaces: namespaces))
    let group = matcher.group(ofNode: node, source: source)
    let first = matcher.decision(on: pod, in: group)
    #expect(matcher.decision(on: pod, in: group) == first, "the second decision is remembered")
    return first.policies.compactMap { Int($0) }
  }

  @Test func `R124: all parts of a selector must match`() throws {
    let web = pod(runtimeClass: "kata-qemu")
    let namespaces = ["shop": ["tier": "prod"]]
    let all: JSONValue = [
      "namespaces": ["names": ["sh*"], "labels": ["matchLabels": ["tier": "prod"]]], "pods": ["matchLabels": ["app": "web"]],
      "workloads": [["kind": "Deploy*", "name": "web"]], "nodes": ["matchLabels": ["pool": "a"]], "runtimeClasses": ["kata-*"],
      "sources": ["linux"],
    ]
    func selects(_ change: (inout JSONValue) -> Void = { _ in }) throws -> Bool {
      var selector = all
      change(&selector)
      return try selecting([selector], web, node: ["pool": "a"], namespaces: namespaces) == [0]
    }
    #expect(try selects())
    #expect(try selects { $0 = [:] })
    for (part, value): (String, JSONValue) in [
      ("namespaces", ["names": ["store"]]), ("namespaces", ["names": ["shop"], "labels": ["matchLabels": ["tier": "dev"]]]),
      ("pods", ["matchLabels": ["app": "api"]]), ("workloads", [["kind": "StatefulSet"], ["name": "api"]]),
      ("nodes", ["matchLabels": ["pool": "b"]]), ("runtimeClasses", ["gvisor"]), ("sources", ["windows", "virtual"]),
    ] {
      #expect(try !selects { $0[part] = value }, "\(part)")
    }
  }

  @Test func `R124: a namespace that is not known yet has no labels`() throws {
    let selectors: [JSONValue] = [
      ["namespaces": ["labels": ["matchLabels": ["tier": "prod"]]]],
      ["namespaces": ["labels": ["matchExpressions": [["key": "tier", "operator": "DoesNotExist"]]]]],
    ]
    #expect(try selecting(selectors, pod()) == [1])
    #expect(try selecting(selectors, pod(), namespaces: ["shop": ["tier": "prod"], "store": [:]]) == [0])
  }

  @Test func `R124: a Pod without a workload is one of the kind Pod, by its own name`() throws {
    let set = PolicySet([try policy("p", ["workloads": [["kind": "Pod", "name": "one"]]], exempt)])
    var matcher = PolicyMatcher(set)
    let group = matcher.group(ofNode: [:], source: .linux)
    // Both have everything in common.
    for (name, isSelected) in [("two", false), ("one", true), ("two", false)] {
      #expect(matcher.decision(on: pod(name, workload: nil), in: group).policies == (isSelected ? ["p"] : []), "\(name)")
    }
  }

  @Test func `R124: labels that the Pods of a workload do not share select one of them`() throws {
    let key = "statefulset.kubernetes.io/pod-name"
    var matcher = PolicyMatcher(PolicySet([try policy("p", ["pods": ["matchLabels": [key: "db-1"]]], exempt)]))
    let group = matcher.group(ofNode: [:], source: .linux)
    for number in 0..<3 {
      let pod = pod("db-\(number)", labels: ["app": "db", key: "db-\(number)"], workload: Workload(kind: "StatefulSet", name: "db"))
      #expect(matcher.decision(on: pod, in: group).policies == (number == 1 ? ["p"] : []), "\(number)")
    }
  }

  /// A plain evaluation of every policy, in place of the groups of the matcher.
  private func plainly(_ set: PolicySet, _ pod: PodRecord, node: [String: String], source: Source, labels: [String: String]?) -> [String] {
    set.policies.filter { policy in
      let selector = policy.selector
      let workload = pod.workload ?? Workload(kind: "Pod", name: pod.name)
      return selector.matches(node: node, source: source) && selector.matches(namespace: pod.namespace, labels: labels)
        && selector.podLabels?.matches(pod.scrapeFacts.labels) != false
        && (selector.runtimeClasses.isEmpty || selector.runtimeClasses.contains { $0.matches(pod.runtimeClassName ?? "") })
        && (selector.workloads.isEmpty
          || selector.workloads.contains { $0.kind.matches(workload.kind) && $0.name.matches(workload.name) })
    }.map(\.name)
  }

  @Test func `R125: groups of Pods are decided as each Pod is`() throws {
    var random = SystemRandomNumberGenerator()
    func pick<Value>(_ values: [Value]) -> Value { values.randomElement(using: &random)! }
    let namespaces = ["shop": ["tier": "prod"], "team-a": ["tier": "dev"]]
    for _ in 0..<30 {
      let policies = try (0..<8).map { number in
        var selector: JSONValue = [:]
        if Bool.random() {
          selector["namespaces"] = pick([["names": ["shop"]], ["names": ["team-*"]], ["labels": ["matchLabels": ["tier": "prod"]]]])
        }
        if Bool.random() {
          selector["pods"] = pick([["matchLabels": ["app": "web"]], ["matchExpressions": [["key": "app", "operator": "Exists"]]]])
        }
        if Bool.random() { selector["workloads"] = pick([[["kind": "Pod"]], [["name": "w*"]], [["kind": "Deployment", "name": "api"]]]) }
        if Bool.random() { selector["nodes"] = ["matchLabels": ["pool": .string(pick(["a", "b"]))]] }
        if Bool.random() { selector["runtimeClasses"] = ["kata*"] }
        if Bool.random() { selector["sources"] = [.string(pick(["linux", "windows"]))] }
        return try policy("p\(number)", priority: Int64.random(in: 0...2), selector, ["threshold": "\(number + 2)m"])
      }
      let set = PolicySet(policies, namespaces: namespaces)
      var matcher = PolicyMatcher(set)
      for number in 0..<60 {
        let (node, source) = (["pool": pick(["a", "b", "c"])], pick([Source.linux, .windows]))
        let pod = pod(
          "pod-\(number)", in: pick(["shop", "team-a", "other"]), labels: pick([["app": "web"], ["app": "api"], [:]]),
          workload: pick([nil, Workload(kind: "Deployment", name: "web"), Workload(kind: "Deployment", name: "api")]),
          runtimeClass: pick([nil, "kata-qemu"]))
        let found = matcher.decision(on: pod, in: matcher.group(ofNode: node, source: source)).policies
        #expect(found == plainly(set, pod, node: node, source: source, labels: namespaces[pod.namespace]))
      }
    }
  }
}
