import JSON
import Primitives

/// Defaults and validation of EndpointSlices. Source: kubernetes/pkg/apis/discovery (validation, defaults).
enum EndpointSliceRules {
  static let maximumEndpoints = 1_000
  static let maximumPorts = 100
  static let maximumAddresses = 100

  @Sendable static func applyDefaults(_ slice: inout JSONValue, rules: ServerRules) {
    guard let ports = slice["ports"]?.array else { return }
    slice["ports"] = .array(
      ports.map { port in
        var port = port
        if port["name"] == nil { port["name"] = "" }
        if port["protocol"] == nil { port["protocol"] = "TCP" }
        return port
      })
  }

  @Sendable static func validate(_ slice: JSONValue, old: JSONValue?, rules: ServerRules) -> [FieldProblem] {
    var problems = addressTypeProblems(slice, old: old)
    let endpoints = slice["endpoints"]?.array ?? []
    if endpoints.count > maximumEndpoints {
      problems.append(tooMany("endpoints", endpoints.count, maximumEndpoints))
      return problems
    }
    for (index, endpoint) in endpoints.enumerated() {
      problems += addressProblems(endpoint, at: "endpoints[\(index)]", type: slice["addressType"]?.string, rules: rules)
    }
    return problems + portProblems(slice["ports"]?.array ?? [])
  }

  private static func addressTypeProblems(_ slice: JSONValue, old: JSONValue?) -> [FieldProblem] {
    let type = slice["addressType"]?.string ?? ""
    if let old, let before = old["addressType"]?.string, before != type {
      return [FieldProblem(field: "addressType", reason: .invalid, value: type, detail: "field is immutable")]
    }
    if type.isEmpty { return [FieldProblem(field: "addressType", reason: .required, detail: "")] }
    if !["IPv4", "IPv6", "FQDN"].contains(type) {
      return [
        FieldProblem(field: "addressType", reason: .notSupported, value: type, detail: "supported values: \"FQDN\", \"IPv4\", \"IPv6\"")
      ]
    }
    return []
  }

  private static func addressProblems(
    _ endpoint: JSONValue, at path: String, type: String?, rules: ServerRules
  ) -> [FieldProblem] {
    let addresses = endpoint["addresses"]?.array ?? []
    if addresses.isEmpty {
      return [FieldProblem(field: "\(path).addresses", reason: .required, detail: "must contain at least 1 address")]
    }
    var problems: [FieldProblem] = []
    if addresses.count > maximumAddresses { problems.append(tooMany("\(path).addresses", addresses.count, maximumAddresses)) }
    for (index, address) in addresses.enumerated() {
      let text = address.string ?? ""
      if let detail = problem(inAddress: text, type: type, rules: rules) {
        problems.append(FieldProblem(field: "\(path).addresses[\(index)]", reason: .invalid, value: text, detail: detail))
      }
    }
    if let node = endpoint["nodeName"]?.string, let detail = NamePolicy.subdomain.problem(in: node) {
      problems.append(FieldProblem(field: "\(path).nodeName", reason: .invalid, value: node, detail: detail))
    }
    return problems
  }

  private static func problem(inAddress text: String, type: String?, rules: ServerRules) -> String? {
    switch type {
    case "FQDN":
      return NamePolicy.subdomain.problem(in: text)
    case "IPv4":
      guard let address = IPAddress(text), address.family == .ipv4 else { return "must be a valid IPv4 address" }
      return address.specialRange(acceptsLoopback: rules.acceptsLoopbackEndpoints)
    case "IPv6":
      guard let address = IPAddress(text), address.family == .ipv6 else { return "must be a valid IPv6 address" }
      return address.specialRange(acceptsLoopback: rules.acceptsLoopbackEndpoints)
    default:
      return nil
    }
  }

  private static func portProblems(_ ports: [JSONValue]) -> [FieldProblem] {
    if ports.count > maximumPorts { return [tooMany("ports", ports.count, maximumPorts)] }
    var problems: [FieldProblem] = []
    var names: Set<String> = []
    for (index, port) in ports.enumerated() {
      let name = port["name"]?.string ?? ""
      if !name.isEmpty, let detail = NamePolicy.label.problem(in: name) {
        problems.append(FieldProblem(field: "ports[\(index)].name", reason: .invalid, value: name, detail: detail))
      }
      if !names.insert(name).inserted {
        problems.append(FieldProblem(field: "ports[\(index)].name", reason: .duplicate, value: name, detail: ""))
      }
      if let number = port["port"]?.integer, !(1...65_535).contains(number) {
        problems.append(
          FieldProblem(
            field: "ports[\(index)].port", reason: .invalid, value: String(number), detail: "must be between 1 and 65535, inclusive"))
      }
      if let transport = port["protocol"]?.string, !["TCP", "UDP", "SCTP"].contains(transport) {
        problems.append(
          FieldProblem(
            field: "ports[\(index)].protocol", reason: .notSupported, value: transport,
            detail: "supported values: \"SCTP\", \"TCP\", \"UDP\""))
      }
    }
    return problems
  }

  private static func tooMany(_ field: String, _ count: Int, _ limit: Int) -> FieldProblem {
    FieldProblem(field: field, reason: .tooMany, value: String(count), detail: "must have at most \(limit) items")
  }
}

// These ranges do not come from `IPAddress.special`: the simulator rejects what the API server rejects, independently of the controller.
extension IPAddress {
  /// The reason why an endpoint may not have this address. The texts are those of ValidateNonSpecialIP in k8s.io/kubernetes.
  func specialRange(acceptsLoopback: Bool) -> String? {
    if isUnspecified { return "may not be unspecified (0.0.0.0 or ::)" }
    if isLoopback { return acceptsLoopback ? nil : "may not be in the loopback range (127.0.0.0/8, ::1/128)" }
    if isLinkLocal { return "may not be in the link-local range (169.254.0.0/16, fe80::/10)" }
    if isLinkLocalMulticast { return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)" }
    return nil
  }

  private var isUnspecified: Bool { v4.map { $0 == 0 } ?? (v6 ?? (0, 0) == (0, 0)) }

  private var isLoopback: Bool { v4.map { $0 >> 24 == 127 } ?? (v6 ?? (0, 0) == (0, 1)) }

  private var isLinkLocal: Bool { v4.map { $0 >> 16 == 0xa9fe } ?? (firstSixteenBits & 0xffc0 == 0xfe80) }

  private var isLinkLocalMulticast: Bool { v4.map { $0 >> 8 == 0xe0_0000 } ?? (firstSixteenBits & 0xff0f == 0xff02) }

  private var firstSixteenBits: UInt64 { (v6?.high ?? 0) >> 48 }
}
