import FoundationEssentials
import JSON

/// One column of a table that `kubectl get` prints.
struct TableColumn: Sendable {
  var name: String
  /// As in a column definition: `string`, `integer`.
  var type = "string"
  /// 0 always shows, 1 with `-o wide` only.
  var priority = 0
  var cell: @Sendable (_ object: JSONValue, _ now: Date) -> JSONValue

  var definition: JSONValue {
    [
      "name": .string(name), "type": .string(type), "format": name == "Name" ? "name" : "", "description": "",
      "priority": .integer(Int64(priority)),
    ]
  }

  static let name = TableColumn(name: "Name") { object, _ in .string(object.name) }
  static let age = TableColumn(name: "Age") { object, now in .string(Age.text(since: object["metadata"]?["creationTimestamp"], now: now)) }
  static let nameAndAge = [name, age]
  static let node = nameAndAge, pod = nameAndAge, service = nameAndAge, configMap = nameAndAge, secret = nameAndAge, namespace = nameAndAge, event = nameAndAge, endpointSlice = nameAndAge, lease = nameAndAge, deployment = nameAndAge, daemonSet = nameAndAge
}
enum Age { static func text(since: JSONValue?, now: Date) -> String { "" } }
