import JSON
import Primitives

/// Defaults and validation of EndpointSlices, as Kubernetes 1.36 has them.
///
/// Source: kubernetes/pkg/apis/discovery (validation, defaults), `IsValidIP` and `IsFullyQualifiedDomainName` in
/// k8s.io/apimachinery/pkg/util/validation.
enum EndpointSliceRules {
  static let maximumEndpoints = 1_000
  static let maximumPorts = 20_000
  static let maximumAddresses = 100
  /// Of zones, and of nodes.
  static let maximumHints = 8

  /// Also drops what the API server's types do not have, and writes their lists without elements as it does.
  @Sendable static func applyDefaults(_ slice: inout JSONValue, rules: ServerRules) {
    slice["endpoints"] = list(slice["endpoints"]) { endpoint in
      var stored = members(["addresses", "conditions", "hostname", "targetRef", "nodeName", "zone", "hints"], of: endpoint)
      stored["conditions"] = members(["ready", "serving", "terminating"], of: stored["conditions"] ?? [:])
      return stored
    }
    slice["ports"] = list(slice["ports"]) { port in
      var stored = members(["name", "protocol", "port", "appProtocol"], of: port)
      if stored["name"] == nil { stored["name"] = "" }
      if stored["protocol"] == nil { stored["protocol"] = "TCP" }
      return stored
    }
  }

  /// `null` without elements: neither list has `omitempty`.
  private static func list(_ value: JSONValue?, _ transform: (JSONValue) -> JSONValue) -> JSONValue {
    guard let elements = value?.array, !elements.isEmpty else { return .null }
    return .array(elements.map(transform))
  }

  private static func members(_ names: [String], of value: JSONValue) -> JSONValue {
    var kept: JSONValue = [:]
    for name in names {
      if let member = value[name], member != .null { kept[name] = member }
    }
    return kept
  }

  @Sendable static func validate(_ slice: JSONValue, old: JSONValue?, rules: ServerRules) -> [FieldProblem] {
    let type = slice["addressType"]?.string ?? ""
    var problems = addressTypeProblems(type) + portProblems(slice["ports"]?.array ?? [])
    // An update that changes no endpoint may keep invalid ones.
    if old == nil || old?["endpoints"] != slice["endpoints"] {
      problems += endpointProblems(slice["endpoints"]?.array ?? [], type: type, rules: rules)
    }
    if let before = old?["addressType"]?.string, before != type {
      problems.append(FieldProblem(field: "addressType", reason: .invalid, value: type, detail: "field is immutable"))
    }
    return problems
  }

  private static func addressTypeProblems(_ type: String) -> [FieldProblem] {
    if type.isEmpty { return [FieldProblem(field: "addressType", reason: .required, detail: "")] }
    if ["IPv4", "IPv6", "FQDN"].contains(type) { return [] }
    return [
      FieldProblem(field: "addressType", reason: .notSupported, value: type, detail: "supported values: \"FQDN\", \"IPv4\", \"IPv6\"")
    ]
  }

  // MARK: Endpoints

  private static func endpointProblems(_ endpoints: [JSONValue], type: String, rules: ServerRules) -> [FieldProblem] {
    if endpoints.count > maximumEndpoints { return [tooMany("endpoints", endpoints.count, maximumEndpoints)] }
    return endpoints.enumerated().flatMap { index, endpoint in
      let path = "endpoints[\(index)]"
      var problems = addressProblems(endpoint["addresses"]?.array ?? [], at: "\(path).addresses", type: type, rules: rules)
      if let node = endpoint["nodeName"]?.string {
        problems += invalid("\(path).nodeName", node, NamePolicy.subdomain.problems(in: node))
      }
      if let name = endpoint["hostname"]?.string { problems += invalid("\(path).hostname", name, NamePolicy.label.problems(in: name)) }
      let hints = endpoint["hints"]
      problems += hintProblems(hints?["forZones"]?.array ?? [], at: "\(path).hints.forZones", MetadataRules.problems(inLabelValue:))
      return problems
        + hintProblems(hints?["forNodes"]?.array ?? [], at: "\(path).hints.forNodes") { NamePolicy.subdomain.problems(in: $0) }
    }
  }

  private static func addressProblems(_ addresses: [JSONValue], at path: String, type: String, rules: ServerRules) -> [FieldProblem] {
    if addresses.isEmpty { return [FieldProblem(field: path, reason: .required, detail: "must contain at least 1 address")] }
    var problems: [FieldProblem] = []
    if addresses.count > maximumAddresses { problems.append(tooMany(path, addresses.count, maximumAddresses)) }
    for (index, address) in addresses.enumerated() {
      let text = address.string ?? ""
      func note(_ field: String, _ detail: String?) {
        if let detail { problems.append(FieldProblem(field: field, reason: .invalid, value: text, detail: detail)) }
      }
      let family: IPAddress.Family
      switch type {
      case "FQDN":
        problems += domainNameProblems(text, at: "\(path)[\(index)]")
        continue
      case "IPv4": family = .ipv4
      case "IPv6": family = .ipv6
      default: continue
      }
      if let detail = problem(inAddress: text, isCanonical: family == .ipv6) {
        note("\(path)[\(index)]", detail)
      } else if let address = IPAddress(text) {
        // This one has the field of the list.
        if address.family != family { note(path, "must be an \(type) address") }
        note("\(path)[\(index)]", address.specialRange(acceptsLoopback: rules.acceptsLoopbackEndpoints))
      }
    }
    return problems
  }

  private static func problem(inAddress text: String, isCanonical: Bool) -> String? {
    guard let address = IPAddress(text) else {
      return withLeadingZeros(text) == nil ? "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)" : "must not have leading 0s"
    }
    if let v6 = address.v6, v6.high == 0, v6.low >> 32 == 0xffff { return "must not be an IPv4-mapped IPv6 address" }
    return isCanonical && address.canonicalText != text ? "must be in canonical form (\"\(address.canonicalText)\")" : nil
  }

  /// The address that Go's older parsers read from e.g. `010.0.0.1`; the newer one refuses it.
  private static func withLeadingZeros(_ text: String) -> IPAddress? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } }) else {
      return nil
    }
    return IPAddress(parts.map { String(Int($0) ?? 256) }.joined(separator: "."))
  }

  /// Source: `IsFullyQualifiedDomainName`.
  private static func domainNameProblems(_ text: String, at path: String) -> [FieldProblem] {
    if text.isEmpty { return [FieldProblem(field: path, reason: .required, detail: "")] }
    let name = text.hasSuffix(".") ? String(text.dropLast()) : text
    let problems = NamePolicy.subdomain.problems(in: name)
    if !problems.isEmpty { return invalid(path, name, [problems.joined(separator: ",")]) }
    let labels = name.split(separator: ".").map(String.init)
    if labels.count < 2 { return invalid(path, name, ["should be a domain with at least two segments separated by dots"]) }
    return labels.flatMap { invalid(path, $0, NamePolicy.label.problems(in: $0)) }
  }

  private static func hintProblems(_ hints: [JSONValue], at path: String, _ problems: (String) -> [String]) -> [FieldProblem] {
    if hints.count > maximumHints { return [tooMany(path, hints.count, maximumHints)] }
    var names: Set<String> = []
    return hints.enumerated().flatMap { index, hint in
      let name = hint["name"]?.string ?? ""
      let isNew = names.insert(name).inserted
      let duplicate = FieldProblem(field: "\(path)[\(index)].name", reason: .duplicate, value: name, detail: "")
      return (isNew ? [] : [duplicate]) + invalid("\(path)[\(index)].name", name, problems(name))
    }
  }

  // MARK: Ports

  /// The numbers of ports are not validated: 0 is accepted.
  private static func portProblems(_ ports: [JSONValue]) -> [FieldProblem] {
    if ports.count > maximumPorts { return [tooMany("ports", ports.count, maximumPorts)] }
    var problems: [FieldProblem] = []
    var names: Set<String> = []
    for (index, port) in ports.enumerated() {
      let path = "ports[\(index)]"
      let name = port["name"]?.string ?? ""
      if !name.isEmpty { problems += invalid("\(path).name", name, NamePolicy.label.problems(in: name)) }
      if !names.insert(name).inserted {
        problems.append(FieldProblem(field: "\(path).name", reason: .duplicate, value: name, detail: ""))
      }
      if let transport = port["protocol"]?.string, !["TCP", "UDP", "SCTP"].contains(transport) {
        problems.append(
          FieldProblem(
            field: "\(path).protocol", reason: .notSupported, value: transport, detail: "supported values: \"SCTP\", \"TCP\", \"UDP\""))
      }
      if let application = port["appProtocol"]?.string {
        problems += invalid("\(path).appProtocol", application, MetadataRules.problems(inKey: application))
      }
    }
    return problems
  }

  private static func invalid(_ field: String, _ value: String, _ details: [String]) -> [FieldProblem] {
    details.map { FieldProblem(field: field, reason: .invalid, value: value, detail: $0) }
  }

  private static func tooMany(_ field: String, _ count: Int, _ limit: Int) -> FieldProblem {
    FieldProblem(field: field, reason: .tooMany, value: String(count), detail: "must have at most \(limit) items")
  }
}

// These ranges do not come from `IPAddress.special`: the simulator rejects what the API server rejects, independently of the controller.
extension IPAddress {
  /// The reason why an endpoint may not have this address. The texts are those of `ValidateEndpointIP` in k8s.io/kubernetes.
  func specialRange(acceptsLoopback: Bool) -> String? {
    if isUnspecified { return "may not be unspecified (\(self))" }
    if isLoopback { return acceptsLoopback ? nil : "may not be in the loopback range (127.0.0.0/8, ::1/128)" }
    if isLinkLocal { return "may not be in the link-local range (169.254.0.0/16, fe80::/10)" }
    if isLinkLocalMulticast { return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)" }
    return nil
  }

  /// As Go's netip writes it: without an IPv4 address in an IPv6 address.
  fileprivate var canonicalText: String {
    guard let v6, v6.high == 0, v6.low >> 32 == 0, v6.low >> 16 != 0 else { return description }
    return "::\(String(v6.low >> 16, radix: 16)):\(String(v6.low & 0xffff, radix: 16))"
  }

  private var isUnspecified: Bool { v4.map { $0 == 0 } ?? (v6 ?? (0, 0) == (0, 0)) }

  private var isLoopback: Bool { v4.map { $0 >> 24 == 127 } ?? (v6 ?? (0, 0) == (0, 1)) }

  private var isLinkLocal: Bool { v4.map { $0 >> 16 == 0xa9fe } ?? (firstSixteenBits & 0xffc0 == 0xfe80) }

  private var isLinkLocalMulticast: Bool { v4.map { $0 >> 8 == 0xe0_0000 } ?? (firstSixteenBits & 0xff0f == 0xff02) }

  private var firstSixteenBits: UInt64 { (v6?.high ?? 0) >> 48 }
}
