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
