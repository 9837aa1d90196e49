import JSON

/// Validation of the IP families of Services. Source: kubernetes/pkg/apis/core/validation and initIPFamilyFields in
/// kubernetes/pkg/registry/core/service/storage/alloc.go.
enum ServiceRules {
  @Sendable static func validate(_ service: JSONValue, old: JSONValue?, rules: ServerRules) -> [FieldProblem] {
    let families = families(of: service)
    var problems: [FieldProblem] = []
    for (index, family) in families.enumerated() {
      if family != "IPv4", family != "IPv6" {
        problems.append(
          FieldProblem(
            field: "spec.ipFamilies[\(index)]", reason: .notSupported, value: family, detail: "supported values: \"IPv4\", \"IPv6\""))
      } else if families.firstIndex(of: family) != index {
        problems.append(FieldProblem(field: "spec.ipFamilies[\(index)]", reason: .duplicate, value: family, detail: ""))
      }
    }
    if families.count > 1, service["spec"]?["ipFamilyPolicy"] == "SingleStack" {
      problems.append(
        FieldProblem(
          field: "spec.ipFamilyPolicy", reason: .invalid, value: "SingleStack",
          detail: "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"))
    }
    // A headless Service may change its families.
    if let old, !isHeadless(old), !isHeadless(service), let before = Self.families(of: old).first, let now = families.first, before != now {
      problems.append(FieldProblem(field: "spec.ipFamilies[0]", reason: .invalid, value: now, detail: "may not change once set"))
    }
    return problems
  }

  private static func families(of service: JSONValue) -> [String] {
    service["spec"]?["ipFamilies"]?.array?.compactMap(\.string) ?? []
  }

  private static func isHeadless(_ service: JSONValue) -> Bool { service["spec"]?["clusterIP"] == "None" }
}
