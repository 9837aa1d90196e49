import FoundationEssentials
import JSON

/// The query parameters of a list.
struct ListOptions: Sendable {
  /// `resourceVersionMatch`.
  enum Match: String, Sendable { case exact = "Exact", notOlderThan = "NotOlderThan" }

  var selector = Selector()
  /// The maximum number of objects; 0 for all.
  var limit = 0
  var continuation = ""
  var resourceVersion = ""
  var match: Match?
}

/// A page of a list.
struct ListPage: Sendable {
  var items: [StoredObject]
  /// The version of the whole list.
  var version: UInt64
  /// The token for the next page; empty after the last one.
  var continuation = ""
  /// The number of objects after this page, if known.
  var remaining: Int?
}

extension ObjectStore {
  /// - Throws: `APIFailure` 400 (contradictory options), 410 (an expired version) or 504 (a future version).
  mutating func list(_ kind: ResourceKind, _ options: ListOptions) throws(APIFailure) -> ListPage {
    let (wanted, start) = try snapshot(options)
    let namespace = kind.isNamespaced ? options.selector.namespace : ""
    let prefix = namespace.isEmpty ? "" : namespace + "/"
    let version = wanted ?? self.version
    let found = withCollection(kind) { collection in
      wanted.map { collection.ordered(prefix: prefix, after: start, at: $0) } ?? collection.ordered(prefix: prefix, after: start)[...]
    }
    guard let found else { throw expiredList(isContinued: start != nil, after: start) }
    // The real server ignores the limit of a list at version 0 and returns it from its cache.
    let limit = options.resourceVersion == "0" ? 0 : options.limit
    guard limit > 0 else { return ListPage(items: found.filter { options.selector.matches($0) }, version: version) }
    var items = Array(found.lazy.filter { options.selector.matches($0) }.prefix(limit + 1))
    guard items.count > limit else { return ListPage(items: items, version: version) }
    items.removeLast()
    if wanted == nil, start == nil { withCollection(kind) { $0.keep(Array(found), prefix: prefix, version: version) } }
    return ListPage(
      items: items, version: version, continuation: ContinueToken(version: version, start: items[limit - 1].key).text,
      remaining: options.selector.isFiltering ? nil : found.count - limit)
  }

  /// The version to list (`nil` for the newest) and the key to start after.
  private func snapshot(_ options: ListOptions) throws(APIFailure) -> (version: UInt64?, start: String?) {
    if !options.continuation.isEmpty {
      if !options.resourceVersion.isEmpty, options.resourceVersion != "0" {
        throw .badRequest("specifying resource version is not allowed when using continue")
      }
      guard let token = ContinueToken(options.continuation) else { throw .badRequest("continue key is not valid: \(options.continuation)") }
      return (token.version, token.start)
    }
    if options.resourceVersion.isEmpty {
      if options.match != nil { throw .badRequest("resourceVersionMatch is forbidden unless resourceVersion is provided") }
      return (nil, nil)
    }
    let wanted = try parsedVersion(options.resourceVersion)
    if wanted == 0 {
      if options.match == .exact { throw .badRequest("resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"") }
      return (nil, nil)
    }
    if wanted > version { throw .tooLargeResourceVersion(wanted, current: version) }
    return (options.match == .exact || (options.match == nil && options.limit > 0) ? wanted : nil, nil)
  }

  /// - Throws: `APIFailure` 400 for text that is not a number.
  func parsedVersion(_ text: String) throws(APIFailure) -> UInt64 {
    guard let version = UInt64(text) else { throw .badRequest("Invalid value: \"\(text)\": resourceVersion must be a number") }
    return version
  }

  /// The failure of an expired list; like the real server's, it has a token that continues at the newest version.
  private func expiredList(isContinued: Bool, after start: String?) -> APIFailure {
    guard isContinued, let start else { return .expired("The resourceVersion for the provided list is too old.") }
    var failure = APIFailure.expired(
      """
      The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue \
      parameter, or use the continue token in this response to retrieve the remainder of the results.
      """)
    failure.continuation = ContinueToken(version: nil, start: start).text
    return failure
  }
}

/// The start and the version of the next page of a list: JSON in base64url without padding, as in the real server
/// (k8s.io/apiserver/pkg/storage/continue.go).
struct ContinueToken: Sendable, Equatable {
  /// `nil` for the newest version.
  var version: UInt64?
  var start: String

  init(version: UInt64?, start: String) {
    self.version = version
    self.start = start
  }

  init?(_ text: String) {
    var base64 = text.map { character -> Character in character == "-" ? "+" : character == "_" ? "/" : character }
    while base64.count % 4 != 0 { base64.append("=") }
    guard let data = Data(base64Encoded: String(base64)), let token = try? JSONValue(parsing: [UInt8](data)),
      let start = token["start"]?.string, let version = token["rv"]?.integer
    else { return nil }
    self.version = version < 0 ? nil : UInt64(version)
    self.start = start
  }

  var text: String {
    let token: JSONValue = ["v": "meta.k8s.io/v1", "rv": .integer(version.map(Int64.init) ?? -1), "start": .string(start)]
    let base64 = Data(token.bytes).base64EncodedString().filter { $0 != "=" }
    return String(base64.map { character -> Character in character == "+" ? "-" : character == "/" ? "_" : character })
  }
}
