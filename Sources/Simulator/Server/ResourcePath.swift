/// The resource that a request's path names.
struct ResourcePath: Sendable {
  var kind: ResourceKind
  var namespace = ""
  var name = ""
  var subresource = ""

  /// `/api/v1/…` and `/apis/<group>/<version>/…`; `nil` for other paths and for resources that the server does not have.
  init?(_ path: [String]) {
    let group: String
    let version: String
    var rest: ArraySlice<String>
    switch path.first {
    case "api" where path.count >= 3:
      (group, version, rest) = ("", path[1], path[2...])
    case "apis" where path.count >= 4:
      (group, version, rest) = (path[1], path[2], path[3...])
    default:
      return nil
    }
    // /namespaces/x/pods is about pods, /namespaces/x and /namespaces/x/status are about the namespace.
    if rest.count >= 3, rest.first == "namespaces",
      let kind = ResourceTable.kind(group: group, version: version, plural: rest[rest.startIndex + 2]), kind.isNamespaced
    {
      self.kind = kind
      namespace = rest[rest.startIndex + 1]
      rest = rest.dropFirst(3)
    } else if let plural = rest.first, let kind = ResourceTable.kind(group: group, version: version, plural: plural) {
      self.kind = kind
      rest = rest.dropFirst()
      // An object in a namespace has no path outside it.
      if kind.isNamespaced, !rest.isEmpty { return nil }
    } else {
      return nil
    }
    name = rest.popFirst() ?? ""
    subresource = rest.popFirst() ?? ""
    let isKnown = subresource.isEmpty || (subresource == "status" && kind.hasStatus)
    if !rest.isEmpty || !isKnown { return nil }
  }
}
