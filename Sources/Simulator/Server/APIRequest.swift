import JSON

/// A request to the API server as a value.
struct APIRequest: Sendable {
  var method = "GET"
  /// The decoded segments of the path.
  var path: [String] = []
  var query: [String: String] = [:]
  var accept = ""
  var contentType = ""
  var userAgent = ""
  var authorization = ""
  var body: [UInt8] = []

  /// - Parameter target: the path and the query of the request line.
  init(method: String, target: String) {
    self.method = method
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = parts[0].split(separator: "/").map { Self.decoded($0, plusIsSpace: false) }
    guard parts.count == 2 else { return }
    for pair in parts[1].split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query[Self.decoded(sides[0], plusIsSpace: true)] = sides.count == 2 ? Self.decoded(sides[1], plusIsSpace: true) : ""
    }
  }

  /// Whether a query parameter is true.
  func flag(_ name: String) -> Bool {
    query[name] == "true" || query[name] == "1"
  }

  /// The field manager: the parameter, or the name of the program in User-Agent.
  var manager: String {
    if let manager = query["fieldManager"], !manager.isEmpty { return manager }
    return userAgent.split(separator: "/").first.map(String.init) ?? "unknown"
  }

  private static func decoded(_ text: Substring, plusIsSpace: Bool) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The resource in the path of a request.
struct ResourcePath: Sendable {
  var kind: ResourceKind
  var namespace = ""
  var name = ""
  var subresource = ""

  /// Parses `/api/v1/…` and `/apis/<group>/<version>/…`; `nil` for other paths and unknown resources.
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
    // /namespaces/x/pods are pods; /namespaces/x and /namespaces/x/status are the namespace itself.
    if rest.count >= 3, rest.first == "namespaces",
      let kind = ResourceTable.kind(group: group, version: version, plural: rest[rest.startIndex + 2]), kind.isNamespaced
    {
      self.kind = kind
      namespace = rest[rest.startIndex + 1]
      rest = rest.dropFirst(3)
    } else if let plural = rest.first, let kind = ResourceTable.kind(group: group, version: version, plural: plural) {
      self.kind = kind
      rest = rest.dropFirst()
      // A namespaced object has no path without its namespace.
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

/// The verb of a request, as in RBAC, with `apply` separate from other patches.
package enum Verb: String, Sendable, Hashable, CaseIterable {
  case get, list, watch, create, update, patch, apply, delete, deletecollection

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
