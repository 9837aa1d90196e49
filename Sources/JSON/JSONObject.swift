/// The members of a JSON object, in no particular order. Names are equal if they have the same bytes: Swift's strings are also equal if
/// they only differ in Unicode normalization, and two such members of one object would become one.
public struct JSONObject: Hashable, Sendable {
  private var members: [JSONName: JSONValue] = [:]

  public init() {}

  /// The last of several members with one name wins.
  public init(_ members: some Sequence<(String, JSONValue)>) {
    for (name, value) in members { self[name] = value }
  }

  public subscript(name: String) -> JSONValue? {
    get { members[JSONName(name)] }
    set { members[JSONName(name)] = newValue }
  }

  public var keys: some Collection<String> { members.keys.lazy.map(\.text) }

  /// Removes the member.
  /// - Returns: its value; `nil` if there was none.
  @discardableResult
  public mutating func remove(_ name: String) -> JSONValue? { members.removeValue(forKey: JSONName(name)) }

  public func mapValues(_ transform: (JSONValue) throws -> JSONValue) rethrows -> JSONObject {
    JSONObject(members: try members.mapValues(transform))
  }

  public func filter(_ isIncluded: (Element) throws -> Bool) rethrows -> JSONObject {
    JSONObject(members: try members.filter { try isIncluded(($0.key.text, $0.value)) })
  }

  /// A dictionary of the members that `transform` does not drop, for objects whose names are ASCII, such as labels and annotations.
  public func compactMapValues<Value>(_ transform: (JSONValue) throws -> Value?) rethrows -> [String: Value] {
    var values: [String: Value] = [:]
    for (name, value) in self { values[name] = try transform(value) }
    return values
  }

  /// Adds the members of another object, which replace those with the same name.
  public mutating func merge(_ other: JSONObject) {
    members.merge(other.members) { _, new in new }
  }

  private init(members: [JSONName: JSONValue]) {
    self.members = members
  }
}

extension JSONObject: Collection {
  public typealias Element = (key: String, value: JSONValue)

  public struct Index: Comparable {
    fileprivate var index: Dictionary<JSONName, JSONValue>.Index

    public static func < (left: Index, right: Index) -> Bool { left.index < right.index }
  }

  public var count: Int { members.count }
  public var startIndex: Index { Index(index: members.startIndex) }
  public var endIndex: Index { Index(index: members.endIndex) }
  public func index(after index: Index) -> Index { Index(index: members.index(after: index.index)) }

  public subscript(position: Index) -> Element {
    let member = members[position.index]
    return (member.key.text, member.value)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral members: (String, JSONValue)...) {
    self.init(members)
  }
}

/// A string that is compared byte by byte.
struct JSONName: Hashable {
  let text: String

  init(_ text: String) {
    self.text = text
  }

  static func == (left: JSONName, right: JSONName) -> Bool {
    left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(text.utf8.count)
  }
}
