import JSON

/// JSON patch (RFC 6902). `kubectl apply --server-side` uses it to take over the fields of an earlier client-side `kubectl apply`.
enum JSONPatch {
  /// - Throws: `APIFailure` 422 for a missing path or a failed test, 400 for a malformed patch.
  static func patched(_ target: JSONValue, _ patch: JSONValue) throws(APIFailure) -> JSONValue {
    guard let operations = patch.array else { throw .badRequest("a JSON patch is an array of operations") }
    var result = target
    for operation in operations { try apply(operation, to: &result) }
    return result
  }

  private static func apply(_ operation: JSONValue, to document: inout JSONValue) throws(APIFailure) {
    let path = try pointer(operation["path"])
    switch operation["op"]?.string {
    case "add":
      try change(&document, at: path[...]) { (location) throws(APIFailure) in try location.insert(operation["value"] ?? .null) }
    case "remove":
      try change(&document, at: path[...]) { (location) throws(APIFailure) in try location.remove() }
    case "replace":
      if path.isEmpty {
        document = operation["value"] ?? .null
      } else {
        try change(&document, at: path[...]) { (location) throws(APIFailure) in
          try location.remove()
          try location.insert(operation["value"] ?? .null)
        }
      }
    case "move", "copy":
      let from = try pointer(operation["from"])
      guard let value = value(at: from[...], in: document) else { throw missing(from) }
      if operation["op"]?.string == "move" {
        try change(&document, at: from[...]) { (location) throws(APIFailure) in try location.remove() }
      }
      try change(&document, at: path[...]) { (location) throws(APIFailure) in try location.insert(value) }
    case "test":
      guard value(at: path[...], in: document) == operation["value"] ?? .null else {
        throw APIFailure(
          code: 422, reason: "Invalid",
          message: "the server rejected our request due to an error in our request: the test of \(text(path)) failed")
      }
    case let other:
      throw .badRequest("\"\(other ?? "")\" is not a JSON patch operation")
    }
  }

  /// A member or an element of a container.
  private struct Location {
    var container: JSONValue
    var key: String
    var path: [String]

    mutating func insert(_ value: JSONValue) throws(APIFailure) {
      switch container {
      case .object: container[key] = value
      case .array(var elements):
        let index = key == "-" ? elements.count : Int(key) ?? -1
        guard (0...elements.count).contains(index) else { throw missing(path) }
        elements.insert(value, at: index)
        container = .array(elements)
      default: throw missing(path)
      }
    }

    mutating func remove() throws(APIFailure) {
      switch container {
      case .object(let members) where members[key] != nil: container[key] = nil
      case .array(var elements):
        guard let index = Int(key), elements.indices.contains(index) else { throw missing(path) }
        elements.remove(at: index)
        container = .array(elements)
      default: throw missing(path)
      }
    }
  }

  private static func change(
    _ value: inout JSONValue, at path: ArraySlice<String>, _ body: (inout Location) throws(APIFailure) -> Void
  ) throws(APIFailure) {
    guard let key = path.first else { throw .badRequest("this JSON patch operation needs a path") }
    if path.count == 1 {
      var location = Location(container: value, key: key, path: Array(path))
      try body(&location)
      value = location.container
      return
    }
    guard var child = self.value(at: path.prefix(1), in: value) else { throw missing(Array(path)) }
    try change(&child, at: path.dropFirst(), body)
    var location = Location(container: value, key: key, path: Array(path))
    try location.remove()
    try location.insert(child)
    value = location.container
  }

  private static func value(at path: ArraySlice<String>, in value: JSONValue) -> JSONValue? {
    guard let key = path.first else { return value }
    let child: JSONValue? = value.array == nil ? value[key] : Int(key).flatMap { value[$0] }
    return child.flatMap { self.value(at: path.dropFirst(), in: $0) }
  }

  /// The tokens of a JSON pointer (RFC 6901).
  private static func pointer(_ value: JSONValue?) throws(APIFailure) -> [String] {
    guard let text = value?.string, text.isEmpty || text.hasPrefix("/") else {
      throw .badRequest("a JSON patch operation needs a path that starts with '/'")
    }
    return text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
      $0.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
        .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
    }
  }

  private static func text(_ path: [String]) -> String { "/" + path.joined(separator: "/") }

  private static func missing(_ path: [String]) -> APIFailure {
    APIFailure(
      code: 422, reason: "Invalid",
      message: "the server rejected our request due to an error in our request: there is nothing at \(text(path))")
  }
}
