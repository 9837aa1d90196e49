import FoundationEssentials
import JSON

/// The reviews of tokens and of access: objects that are answered and not stored.
struct ReviewHandler: Sendable {
  let cluster: Cluster
  let tokens: TokenTable
  let faults: FaultInjector

  private enum Review: CaseIterable {
    case token, access, ownAccess

    var group: String { self == .token ? "authentication.k8s.io" : "authorization.k8s.io" }
    var plural: String {
      switch self {
      case .token: "tokenreviews"
      case .access: "subjectaccessreviews"
      case .ownAccess: "selfsubjectaccessreviews"
      }
    }
  }

  /// The response; `nil` for a request that is not for a review.
  func response(to request: APIRequest, now: Date) throws(APIFailure) -> APIResponse? {
    guard request.method == "POST", let review = Review.allCases.first(where: { request.path == ["apis", $0.group, "v1", $0.plural] })
    else {
      return nil
    }
    try faults.admit(.create, "\(review.plural).\(review.group)", "")
    var object = try RequestBody.object(request, message: nil)
    guard let spec = object["spec"] else { throw .badRequest("spec: Required value") }
    switch review {
    case .token:
      object["status"] = tokens.status(ofReview: spec, now: now)
    case .access:
      let pods = spec["resourceAttributes"] == nil ? [] : try all(ResourceTable.pods)
      let rules = RoleRules(
        roles: try all(ResourceTable.clusterRoles) + all(ResourceTable.roles),
        bindings: try all(ResourceTable.clusterRoleBindings) + all(ResourceTable.roleBindings))
      object["status"] = NodeAuthorizer.allows(spec, pods: pods) ? ["allowed": true] : rules.status(ofReview: spec)
    case .ownAccess:
      // Every request that gets here is allowed.
      object["status"] = ["allowed": true]
    }
    return .whole(status: 201, contentType: MediaType.json, body: object.bytes)
  }

  private func all(_ kind: ResourceKind) throws(APIFailure) -> [JSONValue] {
    let page = try cluster.read { (store) throws(APIFailure) in try store.list(kind, ListOptions(selector: Selector())) }
    var objects: [JSONValue] = []
    for item in page.items { objects.append(try item.decoded(as: kind)) }
    return objects
  }
}
