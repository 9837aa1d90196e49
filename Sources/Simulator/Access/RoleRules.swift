import JSON

/// Decides a SubjectAccessReview by the roles and bindings of the server, as RBAC does.
/// Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac and pkg/apis/rbac/v1/evaluation_helpers.go.
struct RoleRules {
  /// ClusterRoles and Roles.
  var roles: [JSONValue]
  /// ClusterRoleBindings and RoleBindings.
  var bindings: [JSONValue]

  /// The `status` of a review.
  func status(ofReview spec: JSONValue) -> JSONValue {
    guard let attributes = spec["nonResourceAttributes"] ?? spec["resourceAttributes"], let verb = attributes["verb"]?.string else {
      return ["allowed": false, "reason": "the review is about nothing"]
    }
    func allows(_ rule: JSONValue) -> Bool {
      if let path = attributes["path"]?.string { return Self.allows(rule, verb: verb, path: path) }
      let names = rule["resourceNames"]?.array?.compactMap(\.string)
      let subresource = attributes["subresource"]?.string.map { "/\($0)" } ?? ""
      let resource = (attributes["resource"]?.string ?? "") + subresource
      return names?.contains(attributes["name"]?.string ?? "") ?? true
        && [("verbs", verb), ("apiGroups", attributes["group"]?.string ?? ""), ("resources", resource)]
          .allSatisfy { field, wanted in rule[field]?.array?.contains { $0.string == wanted || $0.string == "*" } == true }
    }
    /// A RoleBinding is about its own namespace, whatever role it names.
    func isAbout(_ binding: JSONValue) -> Bool {
      guard let namespace = binding["metadata"]?["namespace"]?.string else { return true }
      return attributes["path"] == nil && attributes["namespace"]?.string == namespace
    }
    let user = spec["user"]?.string ?? ""
    let groups = Set(spec["groups"]?.array?.compactMap(\.string) ?? [])
    if groups.contains("system:masters") { return ["allowed": true] }
    for binding in bindings where Self.names(binding, user: user, groups: groups) && isAbout(binding) {
      let reference = binding["roleRef"]
      let namespace = reference?["kind"] == "Role" ? binding["metadata"]?["namespace"]?.string : nil
      let role = roles.first {
        $0["metadata"]?["name"]?.string == reference?["name"]?.string && $0["metadata"]?["namespace"]?.string == namespace
      }
      if role?["rules"]?.array?.contains(where: allows) == true {
        let kind = binding["metadata"]?["namespace"] == nil ? "ClusterRoleBinding" : "RoleBinding"
        return [
          "allowed": true, "reason": .string("RBAC: allowed by \(kind) \"\(binding["metadata"]?["name"]?.string ?? "")\""),
        ]
      }
    }
    return ["allowed": false]
  }

  private static func names(_ binding: JSONValue, user: String, groups: Set<String>) -> Bool {
    binding["subjects"]?.array?.contains { subject in
      let name = subject["name"]?.string ?? ""
      switch subject["kind"]?.string {
      case "User": return name == user
      case "Group": return groups.contains(name)
      case "ServiceAccount": return "system:serviceaccount:\(subject["namespace"]?.string ?? ""):\(name)" == user
      default: return false
      }
    } == true
  }

  private static func allows(_ rule: JSONValue, verb: String, path: String) -> Bool {
    let verbs = rule["verbs"]?.array?.compactMap(\.string) ?? []
    guard verbs.contains(verb) || verbs.contains("*") else { return false }
    return rule["nonResourceURLs"]?.array?.compactMap(\.string).contains { pattern in
      // Only a final asterisk is a wildcard.
      pattern == path || pattern.hasSuffix("*") && path.hasPrefix(pattern.dropLast())
    } == true
  }
}
