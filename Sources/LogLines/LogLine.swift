internal import Logging
internal import Primitives

/// A log message and its metadata as one line.
struct LogLine: Sendable {
  var time: Timestamp
  var level: Logger.Level
  var message: String
  var metadata: Logger.Metadata

  /// The members of every line. Metadata of these names would make a line ambiguous and is written as `msg_`.
  private static let own: Set = ["time", "level", "msg"]

  private var members: [(key: String, value: Logger.MetadataValue)] {
    let head: [(String, Logger.MetadataValue)] = [
      ("time", .string(time.rfc3339(fractionDigits: 3))), ("level", .string(level.rawValue)), ("msg", .string(message)),
    ]
    return head + metadata.sorted { $0.key < $1.key }.map { (Self.own.contains($0.key) ? "\($0.key)_" : $0.key, $0.value) }
  }

  /// `key=value` pairs, as Loki and others parse them. Values are in quotes if they need it, nested ones as JSON.
  var logfmt: String {
    members.map { key, value in
      let key = String(String.UnicodeScalarView(key.unicodeScalars.map { $0 <= " " || $0 == "=" || $0 == "\"" ? "_" : $0 }))
      let text = if case .array = value { json(value) } else if case .dictionary = value { json(value) } else { "\(value)" }
      let isPlain = !text.isEmpty && text.unicodeScalars.allSatisfy { $0 > " " && $0 != "=" && $0 != "\"" && $0 != "\\" && $0 != "\u{7F}" }
      return "\(key)=\(isPlain ? text : quoted(text))"
    }.joined(separator: " ")
  }

  var json: String {
    "{\(members.map { "\(quoted($0)):\(json($1))" }.joined(separator: ","))}"
  }

  private func json(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): quoted(text)
    case .stringConvertible(let value): quoted(value.description)
    case .array(let values): "[\(values.map(json).joined(separator: ","))]"
    case .dictionary(let members):
      "{\(members.sorted { $0.key < $1.key }.map { "\(quoted($0)):\(json($1))" }.joined(separator: ","))}"
    }
  }

  /// A string of JSON (RFC 8259, section 7), which is one of Go too.
  private func quoted(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where character < " " || character == "\u{7F}":
        let digits = String(character.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(character)
      }
    }
    return result + "\""
  }
}
