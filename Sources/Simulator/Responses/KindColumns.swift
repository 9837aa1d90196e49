import FoundationEssentials
import JSON

extension TableColumn {
  static let node: [TableColumn] = [
    name,
    text("Status", status(ofNode:)),
    text("Roles", roles(ofNode:)),
    age,
    text("Version") { $0["status"]?["nodeInfo"]?["kubeletVersion"]?.string ?? "" },
    text("Internal-IP", isWide: true) { address(ofNode: $0, type: "InternalIP") },
    text("External-IP", isWide: true) { address(ofNode: $0, type: "ExternalIP") },
    text("OS-Image", isWide: true) { info(ofNode: $0, "osImage") },
    text("Kernel-Version", isWide: true) { info(ofNode: $0, "kernelVersion") },
    text("Container-Runtime", isWide: true) { info(ofNode: $0, "containerRuntimeVersion") },
  ]

  @Sendable private static func status(ofNode node: JSONValue) -> String {
    let ready = (node["status"]?["conditions"]?.array ?? []).first { $0["type"]?.string == "Ready" }
    let status = ready.map { $0["status"]?.string == "True" ? "Ready" : "NotReady" } ?? "Unknown"
    return node["spec"]?["unschedulable"]?.bool == true ? status + ",SchedulingDisabled" : status
  }

  @Sendable private static func roles(ofNode node: JSONValue) -> String {
    var roles: Set<String> = []
    for (label, value) in node.labels {
      if label.hasPrefix("node-role.kubernetes.io/") { roles.insert(String(label.dropFirst("node-role.kubernetes.io/".count))) }
      if label == "kubernetes.io/role", !value.isEmpty { roles.insert(value) }
    }
    return roles.sorted().joined(separator: ",").orNone
  }

  private static func address(ofNode node: JSONValue, type: String) -> String {
    let address = (node["status"]?["addresses"]?.array ?? []).first { $0["type"]?.string == type }
    return (address?["address"]?.string ?? "").orNone
  }

  private static func info(ofNode node: JSONValue, _ member: String) -> String {
    let text = node["status"]?["nodeInfo"]?[member]?.string ?? ""
    return text.isEmpty ? "<unknown>" : text
  }
}

extension TableColumn {
  static let service: [TableColumn] = [
    name,
    text("Type") { $0["spec"]?["type"]?.string ?? "ClusterIP" },
    text("Cluster-IP") { ($0["spec"]?["clusterIP"]?.string ?? "").orNone },
    text("External-IP", externalAddress(ofService:)),
    text("Port(s)", ports(ofService:)),
    age,
    text("Selector", isWide: true) { ($0["spec"]?["selector"]?.pairs ?? "").orNone },
  ]

  static let endpointSlice: [TableColumn] = [
    name,
    text("AddressType") { $0["addressType"]?.string ?? "" },
    text("Ports") { slice in
      abbreviated((slice["ports"]?.array ?? []).map { $0["port"]?.integer.map { String($0) } ?? "*" })
    },
    text("Endpoints") { slice in
      abbreviated((slice["endpoints"]?.array ?? []).flatMap { ($0["addresses"]?.array ?? []).compactMap(\.string) })
    },
    age,
  ]

  /// At most three items, and the number of the others.
  private static func abbreviated(_ items: [String]) -> String {
    if items.isEmpty { return "<unset>" }
    let shown = items.prefix(3).joined(separator: ",")
    return items.count > 3 ? "\(shown) + \(items.count - 3) more..." : shown
  }

  @Sendable private static func externalAddress(ofService service: JSONValue) -> String {
    let spec = service["spec"]
    let external = (spec?["externalIPs"]?.array ?? []).compactMap(\.string)
    switch spec?["type"]?.string {
    case "ExternalName": return spec?["externalName"]?.string ?? ""
    case "LoadBalancer":
      let ingress = (service["status"]?["loadBalancer"]?["ingress"]?.array ?? []).compactMap { $0["ip"]?.string ?? $0["hostname"]?.string }
      let all = ingress + external
      return all.isEmpty ? "<pending>" : all.joined(separator: ",")
    default: return external.joined(separator: ",").orNone
    }
  }

  @Sendable private static func ports(ofService service: JSONValue) -> String {
    (service["spec"]?["ports"]?.array ?? []).map { port in
      let number = port["port"]?.integer ?? 0
      let node = port["nodePort"]?.integer.map { $0 > 0 ? ":\($0)" : "" } ?? ""
      return "\(number)\(node)/\(port["protocol"]?.string ?? "TCP")"
    }.joined(separator: ",").orNone
  }
}

extension TableColumn {
  static let configMap: [TableColumn] = [name, count("Data") { entries($0["data"]) + entries($0["binaryData"]) }, age]

  static let secret: [TableColumn] = [name, text("Type") { $0["type"]?.string ?? "" }, count("Data") { entries($0["data"]) }, age]

  static let namespace: [TableColumn] = [name, text("Status") { $0["status"]?["phase"]?.string ?? "" }, age]

  static let lease: [TableColumn] = [name, text("Holder") { $0["spec"]?["holderIdentity"]?.string ?? "" }, age]

  static let event: [TableColumn] = [
    TableColumn("Last Seen") { event, now in
      .string(Age.text(since: event["series"]?["lastObservedTime"] ?? event["lastTimestamp"] ?? event["eventTime"], now: now))
    },
    text("Type") { $0["type"]?.string ?? "" },
    text("Reason") { $0["reason"]?.string ?? "" },
    text("Object") { event in
      "\((event["involvedObject"]?["kind"]?.string ?? "").lowercased())/\(event["involvedObject"]?["name"]?.string ?? "")"
    },
    text("Subobject", isWide: true) { $0["involvedObject"]?["fieldPath"]?.string ?? "" },
    text("Source", isWide: true) { event in
      [event["source"]?["component"]?.string ?? event["reportingComponent"]?.string, event["source"]?["host"]?.string]
        .compactMap(\.self).joined(separator: ", ")
    },
    text("Message") { ($0["message"]?.string ?? "").trimmed },
    TableColumn("First Seen", isWide: true) { event, now in
      .string(Age.text(since: event["firstTimestamp"] ?? event["eventTime"], now: now))
    },
    text("Count", isWide: true) { event in String(event["series"]?["count"]?.integer ?? event["count"]?.integer ?? 1) },
    text("Name", isWide: true) { $0.name },
  ]

  static let deployment: [TableColumn] =
    [
      name,
      text("Ready") { "\(status($0, "readyReplicas"))/\($0["spec"]?["replicas"]?.integer ?? 1)" },
      count("Up-to-date") { status($0, "updatedReplicas") },
      count("Available") { status($0, "availableReplicas") },
      age,
    ] + workload

  static let daemonSet: [TableColumn] =
    [
      name,
      count("Desired") { status($0, "desiredNumberScheduled") },
      count("Current") { status($0, "currentNumberScheduled") },
      count("Ready") { status($0, "numberReady") },
      count("Up-to-date") { status($0, "updatedNumberScheduled") },
      count("Available") { status($0, "numberAvailable") },
      text("Node Selector") { (podSpec($0)?["nodeSelector"]?.pairs ?? "").orNone },
      age,
    ] + workload

  static let statefulSet: [TableColumn] =
    [
      name,
      text("Ready") { "\(status($0, "readyReplicas"))/\($0["spec"]?["replicas"]?.integer ?? 1)" },
      age,
    ] + workload.dropLast()

  static let runtimeClass: [TableColumn] = [name, text("Handler") { $0["handler"]?.string ?? "" }, age]

  private static let workload: [TableColumn] = [
    text("Containers", isWide: true) { containers($0, "name") },
    text("Images", isWide: true) { containers($0, "image") },
    text("Selector", isWide: true) { ($0["spec"]?["selector"]?["matchLabels"]?.pairs ?? "").orNone },
  ]

  private static func entries(_ object: JSONValue?) -> Int64 { Int64(object?.object?.count ?? 0) }

  private static func status(_ object: JSONValue, _ member: String) -> Int64 { object["status"]?[member]?.integer ?? 0 }

  private static func podSpec(_ object: JSONValue) -> JSONValue? { object["spec"]?["template"]?["spec"] }

  private static func containers(_ object: JSONValue, _ member: String) -> String {
    (podSpec(object)?["containers"]?.array ?? []).compactMap { $0[member]?.string }.joined(separator: ",")
  }
}
