import JSON

/// Decides a SubjectAccessReview about a path or about all objects of a resource by the ClusterRoles and ClusterRoleBindings of the
/// server, as RBAC does.
/// Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac and pkg/apis/rbac/v1/evaluation_helpers.go.
struct RoleRules {
  var roles: [JSONValue]
  var bindings: [JSONValue]

  /// The `status` of a review.
  func status(ofReview spec: JSONValue) -> JSONValue {
    guard let attributes = spec["nonResourceAttributes"] ?? spec["resourceAttributes"], let verb = attributes["verb"]?.string else {
      return ["allowed": false, "reason": "the review is about nothing"]
    }
    func allows(_ rule: JSONValue) -> Bool {
      if let path = attributes["path"]?.string { return Self.allows(rule, verb: verb, path: path) }
      return rule["resourceNames"] == nil
        && [("verbs", verb), ("apiGroups", attributes["group"]?.string ?? ""), ("resources", attributes["resource"]?.string ?? "")]
          .allSatisfy { field, wanted in rule[field]?.array?.contains { $0.string == wanted || $0.string == "*" } == true }
    }
    let user = spec["user"]?.string ?? ""
    let groups = Set(spec["groups"]?.array?.compactMap(\.string) ?? [])
    if groups.contains("system:masters") { return ["allowed": true] }
    for binding in bindings where Self.names(binding, user: user, groups: groups) {
      let name = binding["roleRef"]?["name"]?.string ?? ""
      guard let role = roles.first(where: { $0["metadata"]?["name"]?.string == name }) else { continue }
      if role["rules"]?.array?.contains(where: allows) == true {
        return [
          "allowed": true, "reason": .string("RBAC: allowed by ClusterRoleBinding \"\(binding["metadata"]?["name"]?.string ?? "")\""),
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
