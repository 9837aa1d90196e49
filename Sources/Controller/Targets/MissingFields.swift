internal import KubeClient

/// What to do if the API server refuses a ServiceMonitor because its CRD does not declare a field (R83).
let undeclaredFieldAdvice = """
  if a field is not declared, the CRDs are those of an old Prometheus Operator: upgrade it with its CRDs, to 0.86.0 or newer, or set \
  --service-monitors off and use HTTP service discovery
  """

extension KnownObject {
  /// What it means that the API server did not store some fields, and what to do (R83); `nil` if it stored all.
  var problem: String? {
    guard !missing.isEmpty, let settled else { return nil }
    let advice: String
    if settled.name.kind != APIResource.serviceMonitors.kind {
      advice = "find what changes the object on its way, such as an admission webhook"
    } else if missing.contains("spec.serviceDiscoveryRole") {
      advice = """
        Prometheus Operator older than 0.86.0 looks for Endpoints, which Rollcall does not write, and Prometheus finds no targets; upgrade \
        the operator with its CRDs, or set serviceDiscoveryRole: EndpointSlice in the Prometheus object (0.76.0 and newer), or set \
        --service-monitors off and use HTTP service discovery
        """
    } else {
      advice = "upgrade the CRDs of Prometheus Operator, to 0.86.0 or newer, or find what changes the object on its way"
    }
    return "the API server did not store \(missing.joined(separator: ", ")): \(advice)"
  }
}
