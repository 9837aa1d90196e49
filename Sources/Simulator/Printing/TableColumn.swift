import FoundationEssentials
import JSON

/// One column of a table that `kubectl get` prints. Names and texts are those of the real server, so that a table looks alike.
/// Source: kubernetes/pkg/printers/internalversion/printers.go.
struct TableColumn: Sendable {
  var name: String
  /// As in a column definition: `string`, `integer`.
  var type = "string"
  /// Whether it shows with `-o wide` only.
  var isWide = false
  var cell: @Sendable (_ object: JSONValue, _ now: Date) -> JSONValue

  init(_ name: String, type: String = "string", isWide: Bool = false, _ cell: @escaping @Sendable (JSONValue, Date) -> JSONValue) {
    self.name = name
    self.type = type
    self.isWide = isWide
    self.cell = cell
  }

  /// A column of text that does not depend on the time.
  static func text(_ name: String, isWide: Bool = false, _ text: @escaping @Sendable (JSONValue) -> String) -> TableColumn {
    TableColumn(name, isWide: isWide) { object, _ in .string(text(object)) }
  }

  /// A column of a count that does not depend on the time.
  static func count(_ name: String, _ count: @escaping @Sendable (JSONValue) -> Int64) -> TableColumn {
    TableColumn(name, type: "integer") { object, _ in .integer(count(object)) }
  }

  var definition: JSONValue {
    [
      "name": .string(name), "type": .string(type), "format": name == "Name" ? "name" : "", "description": "",
      "priority": isWide ? 1 : 0,
    ]
  }

  static let name = text("Name") { $0.name }

  static let age = TableColumn("Age") { object, now in .string(Age.text(since: object["metadata"]?["creationTimestamp"], now: now)) }

  static let nameAndAge = [name, age]
}

extension String {
  /// The text, or what stands in a table for nothing.
  var orNone: String { isEmpty ? "<none>" : self }
}

extension JSONValue {
  /// Labels or a selector as `a=b,c=d`.
  var pairs: String {
    (object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: ",")
  }
}
