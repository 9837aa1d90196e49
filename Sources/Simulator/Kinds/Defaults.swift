import FoundationEssentials
import JSON

/// What the real server fills in where a client does not say. Only fields that a reader of these kinds meets are filled in.
enum Defaults {
  @Sendable static func service(_ service: inout JSONValue) {
    var spec = service["spec"] ?? [:]
    let type = spec["type"]?.string ?? "ClusterIP"
    setDefault("type", .string(type), in: &spec)
    setDefault("sessionAffinity", "None", in: &spec)
    if type != "ExternalName" {
      setDefault("clusterIP", .string(clusterAddress(for: service.namespace + "/" + service.name)), in: &spec)
      setDefault("clusterIPs", .array([spec["clusterIP"] ?? "None"]), in: &spec)
      setDefault("ipFamilies", ["IPv4"], in: &spec)
      setDefault("ipFamilyPolicy", "SingleStack", in: &spec)
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

  @Sendable static func pod(_ pod: inout JSONValue) {
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

  @Sendable static func namespace(_ namespace: inout JSONValue) {
    var labels = namespace["metadata"]?["labels"] ?? [:]
    labels["kubernetes.io/metadata.name"] = .string(namespace.name)
    namespace.setMetadata("labels", labels)
    if namespace["spec"] == nil { namespace["spec"] = ["finalizers": ["kubernetes"]] }
    if namespace["status"] == nil { namespace["status"] = ["phase": "Active"] }
  }

  @Sendable static func secret(_ secret: inout JSONValue) {
    setDefault("type", "Opaque", in: &secret)
    guard let text = secret["stringData"]?.object else { return }
    var data = secret["data"] ?? [:]
    for (name, value) in text { data[name] = .string(Data((value.string ?? "").utf8).base64EncodedString()) }
    secret["data"] = data
    secret["stringData"] = nil
  }

  /// An address out of 10.96.0.0/16 that depends on the service's name alone (FNV-1a), so that an update finds the same one.
  private static func clusterAddress(for key: String) -> String {
    var hash: UInt32 = 2_166_136_261
    for byte in key.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return "10.96.\(hash >> 8 & 0xFF).\(hash & 0xFF)"
  }

  private static func setDefault(_ member: String, _ value: JSONValue, in object: inout JSONValue) {
    if object[member] == nil { object[member] = value }
  }
}
