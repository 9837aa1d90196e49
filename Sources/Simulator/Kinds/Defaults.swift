import FoundationEssentials
import JSON
import Primitives

/// The defaults of the real server, for the fields that readers of these kinds use.
enum Defaults {
  /// Those of the IP families follow `initIPFamilyFields` in kubernetes/pkg/registry/core/service/storage/alloc.go.
  @Sendable static func service(_ service: inout JSONValue, rules: ServerRules) {
    var spec = service["spec"] ?? [:]
    let type = spec["type"]?.string ?? "ClusterIP"
    setDefault("type", .string(type), in: &spec)
    setDefault("sessionAffinity", "None", in: &spec)
    if type != "ExternalName" {
      let isHeadlessWithoutSelector = spec["clusterIP"] == "None" && spec["selector"]?.object?.isEmpty != false
      setDefault("ipFamilyPolicy", isHeadlessWithoutSelector ? "RequireDualStack" : "SingleStack", in: &spec)
      setDefault("ipFamilies", [rules.isIPv6First ? "IPv6" : "IPv4"], in: &spec)
      if let families = spec["ipFamilies"]?.array, families.count == 1, spec["ipFamilyPolicy"] != "SingleStack",
        isHeadlessWithoutSelector || rules.isIPv6First
      {
        spec["ipFamilies"] = .array(families + [families == ["IPv6"] ? "IPv4" : "IPv6"])
      }
      let family = spec["ipFamilies"]?[0]?.string
      setDefault("clusterIP", .string(clusterAddress(for: service.namespace + "/" + service.name, family: family)), in: &spec)
      setDefault("clusterIPs", .array([spec["clusterIP"] ?? "None"]), in: &spec)
      setDefault("internalTrafficPolicy", "Cluster", in: &spec)
    }
    if let ports = spec["ports"]?.array {
      spec["ports"] = .array(
        ports.map { port in
          var port = port
          setDefault("protocol", "TCP", in: &port)
          if let number = port["port"] { setDefault("targetPort", number, in: &port) }
          return port
        })
    }
    service["spec"] = spec
    if service["status"] == nil { service["status"] = ["loadBalancer": [:]] }
  }

  @Sendable static func pod(_ pod: inout JSONValue, rules: ServerRules) {
    var spec = pod["spec"] ?? [:]
    setDefault("restartPolicy", "Always", in: &spec)
    setDefault("dnsPolicy", "ClusterFirst", in: &spec)
    setDefault("schedulerName", "default-scheduler", in: &spec)
    setDefault("serviceAccountName", "default", in: &spec)
    setDefault("terminationGracePeriodSeconds", 30, in: &spec)
    pod["spec"] = spec
    var status = pod["status"] ?? [:]
    setDefault("phase", "Pending", in: &status)
    pod["status"] = status
  }

  @Sendable static func namespace(_ namespace: inout JSONValue, rules: ServerRules) {
    var labels = namespace["metadata"]?["labels"] ?? [:]
    labels["kubernetes.io/metadata.name"] = .string(namespace.name)
    namespace.setMetadata("labels", labels)
    if namespace["spec"] == nil { namespace["spec"] = ["finalizers": ["kubernetes"]] }
    if namespace["status"] == nil { namespace["status"] = ["phase": "Active"] }
  }

  @Sendable static func secret(_ secret: inout JSONValue, rules: ServerRules) {
    setDefault("type", "Opaque", in: &secret)
    guard let text = secret["stringData"]?.object else { return }
    var data = secret["data"] ?? [:]
    for (name, value) in text { data[name] = .string(Data((value.string ?? "").utf8).base64EncodedString()) }
    secret["data"] = data
    secret["stringData"] = nil
  }

  /// An address in 10.96.0.0/16 or fd00:10:96::/112 derived from the service's key, so that it does not change on update.
  private static func clusterAddress(for key: String, family: String?) -> String {
    let hash = fnv1a32(key.utf8)
    return family == "IPv6" ? "fd00:10:96::\(String(hash & 0xFFFF | 1, radix: 16))" : "10.96.\(hash >> 8 & 0xFF).\(hash & 0xFF)"
  }

  private static func setDefault(_ member: String, _ value: JSONValue, in object: inout JSONValue) {
    if object[member] == nil { object[member] = value }
  }
}

/// Removes empty maps and lists, as Go's `omitempty` does in the real server. Empty structs such as `emptyDir: {}` stay.
///
/// A manager that applies `labels: {}` still owns `labels`; each apply sets it again and conflicts with every other manager that does the
/// same.
enum EmptyMembers {
  /// Members whose Go type is a map; all other objects are structs.
  private static let maps: Set<String> = [
    "labels", "annotations", "matchLabels", "nodeSelector", "data", "binaryData", "stringData", "limits", "requests", "capacity",
    "allocatable", "overhead", "volumeAttributes",
  ]

  static func removed(from object: JSONValue, kind: ResourceKind) -> JSONValue {
    var object = object
    let metadata = object["metadata"].map { pruned($0, maps: maps) }
    if !kind.isCustom, case .object(let members) = object {
      // These two lists have no `omitempty`.
      let kept = kind.id == ResourceTable.endpointSlices.id ? ["endpoints", "ports"] : []
      // The selector of a Service is a map, that of a workload a struct.
      let maps = kind.id == ResourceTable.services.id ? maps.union(["selector"]) : maps
      object = .object(pruned(members, maps: maps, kept: kept))
    }
    object["metadata"] = metadata
    return object
  }

  private static func pruned(_ value: JSONValue, maps: Set<String>) -> JSONValue {
    switch value {
    case .object(let members): .object(pruned(members, maps: maps, kept: []))
    case .array(let elements): .array(elements.map { pruned($0, maps: maps) })
    default: value
    }
  }

  private static func pruned(_ members: JSONObject, maps: Set<String>, kept: [String]) -> JSONObject {
    var left: JSONObject = [:]
    for (name, value) in members {
      if value == [] && !kept.contains(name) || value == [:] && maps.contains(name) { continue }
      // Managed fields and the entries of maps are not API objects.
      left[name] = name == "managedFields" || maps.contains(name) ? value : pruned(value, maps: maps)
    }
    return left
  }
}
