import FoundationEssentials
import JSON

/// One column of the table that `kubectl get` prints, with the names and texts of the real server.
/// Source: kubernetes/pkg/printers/internalversion/printers.go.
struct TableColumn: Sendable {
  var name: String
  /// The type in the column definition: `string`, `integer`.
  var type = "string"
  /// Whether the column is only printed with `-o wide`.
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
  var orNone: String { isEmpty ? "<none>" : self }
}

extension JSONValue {
  /// Labels or a selector as `a=b,c=d`.
  var pairs: String {
    (object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: ",")
  }
}

/// Ages in the format of `kubectl`. Source: k8s.io/apimachinery/pkg/util/duration.
enum Age {
  /// - Parameter time: an RFC 3339 time.
  static func text(since time: JSONValue?, now: Date) -> String {
    guard let date = date(time) else { return "<unknown>" }
    return text(seconds: Int(now.timeIntervalSince(date).rounded(.down)))
  }

  static func date(_ time: JSONValue?) -> Date? {
    guard let text = time?.string, !text.isEmpty else { return nil }
    let style = text.contains(".") ? Date.ISO8601FormatStyle(includingFractionalSeconds: true) : Date.ISO8601FormatStyle()
    return try? style.parse(text)
  }

  /// At most two units, the smaller one only for small ages.
  static func text(seconds: Int) -> String {
    if seconds < -1 { return "<invalid>" }
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
    return switch seconds {
    case ..<0: "0s"
    case ..<120: "\(seconds)s"
    case ..<600: joined(minutes, "m", seconds % 60, "s")
    case ..<10_800: "\(minutes)m"
    case ..<28_800: joined(hours, "h", minutes % 60, "m")
    case ..<172_800: "\(hours)h"
    case ..<691_200: joined(days, "d", hours % 24, "h")
    case ..<63_072_000: "\(days)d"
    case ..<252_288_000: joined(days / 365, "y", days % 365, "d")
    default: "\(days / 365)y"
    }
  }

  private static func joined(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
    small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
  }
}
