/// What a request does to a resource, by the names that RBAC has for them; `apply` is told from other patches.
package enum Verb: String, Sendable, Hashable, CaseIterable {
  case get, list, watch, create, update, patch, apply, delete, deletecollection

  /// Whether it changes anything.
  package var isWrite: Bool {
    switch self {
    case .get, .list, .watch: false
    case .create, .update, .patch, .apply, .delete, .deletecollection: true
    }
  }

  init?(_ request: APIRequest, on path: ResourcePath) {
    switch (request.method, path.name.isEmpty) {
    case ("GET", _) where request.flag("watch"): self = .watch
    case ("GET", true): self = .list
    case ("GET", false): self = .get
    case ("POST", true): self = .create
    case ("PUT", false): self = .update
    case ("PATCH", false): self = MediaType(request.contentType).isApply ? .apply : .patch
    case ("DELETE", false): self = .delete
    case ("DELETE", true): self = .deletecollection
    default: return nil
    }
  }
}
