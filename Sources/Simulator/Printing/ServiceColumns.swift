import JSON

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

  /// At most three items, and how many there are besides.
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
