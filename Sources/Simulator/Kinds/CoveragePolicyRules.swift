import JSON

/// What the definition in manifests/default/crd.yaml demands of a CoveragePolicy, written by hand. A test compares the two.
enum CoveragePolicyRules {
  @Sendable static func validate(_ object: JSONValue, old: JSONValue?, rules: ServerRules) -> [FieldProblem] {
    guard let spec = object["spec"] else { return [FieldProblem(field: "spec", reason: .required, detail: "")] }
    return specification.problems(in: spec, at: "spec") + (object["status"].map { status.problems(in: $0, at: "status") } ?? [])
  }

  /// Defaults, without the members that the definition does not have.
  @Sendable static func settle(_ object: inout JSONValue, rules: ServerRules) {
    object = .object((object.object ?? [:]).filter { ["apiVersion", "kind", "metadata", "spec", "status"].contains($0.key) })
    if let part = object["status"] { object["status"] = status.pruned(part) }
    guard case .object = object["spec"] else { return }
    var spec = specification.pruned(object["spec"] ?? [:])
    if spec["priority"] == nil { spec["priority"] = 0 }
    if var selector = spec["selector"], case .array(let workloads) = selector["workloads"] {
      selector["workloads"] = .array(
        workloads.map { workload in
          guard case .object = workload else { return workload }
          var workload = workload
          for member in ["kind", "name"] where workload[member] == nil { workload[member] = "*" }
          return workload
        })
      spec["selector"] = selector
    }
    object["spec"] = spec
  }

  static let merging = FieldSchema.kind(
    spec: .object([
      "selector": .object([
        "namespaces": .object(["names": .set, "labels": .atomic]), "pods": .atomic, "nodes": .atomic, "runtimeClasses": .set,
        "sources": .set,
        "workloads": .map(
          keys: [FieldSchema.Key("kind", default: "*"), FieldSchema.Key("name", default: "*")], patchKey: "name", element: .object([:])),
      ])
    ]), status: .object(["conditions": .map(by: "type"), "newestProblem": .atomic]))

  static let columns: [TableColumn] = [
    .name, .count("Priority") { $0["spec"]?["priority"]?.integer ?? 0 },
    .text("Accepted") { condition("Accepted", $0)?["status"]?.string ?? "" },
    .text("Applied") { condition("Applied", $0)?["reason"]?.string ?? "" }, .number("Containers", "containers"), .number("Gaps", "gaps"),
    .age,
    .text("Problem", isWide: true) { $0["status"]?["newestProblem"]?["message"]?.string ?? "" },
  ]

  private static func condition(_ type: String, _ object: JSONValue) -> JSONValue? {
    (object["status"]?["conditions"]?.array ?? []).first { $0["type"]?.string == type }
  }

  // MARK: Schema

  private static let maximumItems = 256

  static let specification = ValueSchema.object(
    ["priority": .integer(-1_000_000...1_000_000), "selector": selector, "effects": effects], required: ["selector", "effects"])

  private static let selector = ValueSchema.object([
    "namespaces": .object(["names": names, "labels": labelSelector], atLeast: 1), "pods": labelSelector, "nodes": labelSelector,
    "workloads": .list(
      of: .object([
        "kind": .text(atLeast: 1, atMost: 63, pattern: pattern("^[A-Za-z0-9*]+$") { $0.wholeMatch(of: /[A-Za-z0-9*]+/) != nil }),
        "name": name,
      ]), .map(["kind", "name"]), atLeast: 1, atMost: maximumItems),
    "runtimeClasses": names, "sources": .list(of: .oneOf(["linux", "windows", "virtual"]), .set, atLeast: 1, atMost: 3),
  ])

  private static let names = ValueSchema.list(of: name, .set, atLeast: 1, atMost: maximumItems)

  private static let name = ValueSchema.text(
    atLeast: 1, atMost: 253, pattern: pattern("^[a-z0-9.*-]+$") { $0.wholeMatch(of: /[a-z0-9.*-]+/) != nil })

  private static let labelSelector = ValueSchema.object(
    [
      "matchLabels": .map(of: .text(atMost: 63), atLeast: 1, atMost: maximumItems),
      "matchExpressions": .list(
        of: .object(
          [
            "key": .text(atLeast: 1, atMost: 317), "operator": .oneOf(["In", "NotIn", "Exists", "DoesNotExist"]),
            "values": .list(of: .text(atMost: 63), atMost: maximumItems),
          ], required: ["key", "operator"],
          rules: [
            ValueSchema.Rule(message: "In and NotIn have values, Exists and DoesNotExist have none") { expression in
              ["In", "NotIn"].contains(expression["operator"]?.string) == !(expression["values"]?.array ?? []).isEmpty
            }
          ]), atLeast: 1, atMost: maximumItems),
    ], atLeast: 1)

  private static let effects = ValueSchema.object(
    [
      "collection": .oneOf(["Required", "Exempt"]), "reason": .text(atLeast: 1, atMost: 1024),
      "threshold": time([
        ValueSchema.Rule(message: "a threshold is more than 0s") { $0.string?.contains { ("1"..."9").contains($0) } == true }
      ]), "grace": time([]), "scraping": .oneOf(["Required", "NotRequired"]),
      "alerts": .object(["severity": .text(atLeast: 1, atMost: 256), "labels": labels], atLeast: 1),
    ], atLeast: 1,
    rules: [
      ValueSchema.Rule(message: "collection Exempt needs a reason in words") { $0["collection"] != "Exempt" || $0["reason"] != nil },
      ValueSchema.Rule(message: "a reason has no meaning without collection Exempt") {
        $0["reason"] == nil || $0["collection"] == "Exempt"
      },
      ValueSchema.Rule(message: "collection Exempt goes with no other effect") { effects in
        effects["collection"] != "Exempt" || ["threshold", "grace", "scraping", "alerts"].allSatisfy { effects[$0] == nil }
      },
    ])

  private static func time(_ rules: [ValueSchema.Rule]) -> ValueSchema {
    let text = "^([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
    return .text(
      atLeast: 2, atMost: 20,
      pattern: pattern(text) { $0.wholeMatch(of: /([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?/) != nil }, rules: rules)
  }

  private static let labels = ValueSchema.map(
    of: .text(atMost: 256), atLeast: 1, atMost: 32,
    rules: [
      ValueSchema.Rule(message: "a key is no name of a Prometheus label") { labels in
        (labels.object ?? [:]).allSatisfy { $0.key.wholeMatch(of: /[a-zA-Z_][a-zA-Z0-9_]*/) != nil && !$0.key.hasPrefix("__") }
      },
      ValueSchema.Rule(message: "these labels say what an alert is about, and are not set by a policy") { labels in
        ["alertname", "severity", "namespace", "pod", "container", "node", "source", "workload", "workload_kind", "shard"]
          .allSatisfy { labels[$0] == nil }
      },
    ])

  static let status = ValueSchema.object([
    "observedGeneration": .integer(), "containers": .integer(), "exempt": .integer(), "gaps": .integer(), "newestProblem": newestProblem,
    "conditions": .list(
      of: .object(
        [
          "type": .text(atMost: 316), "status": .oneOf(["True", "False", "Unknown"]), "observedGeneration": .integer(0...Int64.max),
          "lastTransitionTime": .text(), "reason": .text(atLeast: 1, atMost: 1024), "message": .text(atMost: 32768),
        ], required: ["type", "status", "lastTransitionTime", "reason", "message"]), .map(["type"]), atMost: .max),
  ])

  private static let newestProblem = ValueSchema.object(
    [
      "namespace": .text(), "pod": .text(), "container": .text(), "kind": .text(), "reason": .text(), "since": .text(), "message": .text(),
    ], required: ["namespace", "pod", "container", "reason", "since", "message"])

  private static func pattern(_ text: String, _ matches: @escaping @Sendable (String) -> Bool) -> ValueSchema.Pattern {
    ValueSchema.Pattern(text: text, matches: matches)
  }
}

extension TableColumn {
  /// A number of the status; nothing without one.
  fileprivate static func number(_ name: String, _ member: String) -> TableColumn {
    TableColumn(name, type: "integer") { object, _ in object["status"]?[member] ?? .null }
  }
}
