/// A syntax error in JSON text.
public struct JSONError: Error, CustomStringConvertible, Sendable {
  public var description: String

  public init(description: String) {
    self.description = description
  }
}

extension JSONValue {
  /// Parses one JSON document in UTF-8. A number with a fraction, an exponent or more than 64 bits becomes `.number`.
  /// - Throws: `JSONError` with the problem and its byte offset. The message never quotes the text.
  public init(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
    self = try JSONReader.read(Array(bytes))
  }

  /// The document in UTF-8, without white space and with sorted keys. Infinities and NaN, which JSON lacks, become strings.
  public var bytes: [UInt8] { written(indentation: nil) }

  /// The document as indented text with sorted keys.
  public var prettyText: String { String(decoding: written(indentation: 2), as: UTF8.self) }

  private func written(indentation: Int?) -> [UInt8] {
    var writer = JSONWriter(indentation: indentation)
    writer.write(self)
    return writer.bytes
  }
}

/// For documents within other `Codable` types.
extension JSONValue: Codable {
  public init(from decoder: any Decoder) throws {
    if let members = try? decoder.container(keyedBy: MemberKey.self) {
      var object = JSONObject()
      for key in members.allKeys {
        object[key.stringValue] = try members.decode(JSONValue.self, forKey: key)
      }
      self = .object(object)
    } else if var elements = try? decoder.unkeyedContainer() {
      var array: [JSONValue] = []
      while !elements.isAtEnd {
        array.append(try elements.decode(JSONValue.self))
      }
      self = .array(array)
    } else {
      let value = try decoder.singleValueContainer()
      if value.decodeNil() {
        self = .null
      } else if let bool = try? value.decode(Bool.self) {
        self = .bool(bool)
      } else if let integer = try? value.decode(Int64.self) {
        self = .integer(integer)
      } else if let number = try? value.decode(Double.self) {
        self = .number(number)
      } else {
        self = .string(try value.decode(String.self))
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .bool(let value): try value.encode(to: encoder)
    case .integer(let value): try value.encode(to: encoder)
    case .number(let value): try value.encode(to: encoder)
    case .string(let value): try value.encode(to: encoder)
    case .array(let elements): try elements.encode(to: encoder)
    case .object(let members):
      var container = encoder.container(keyedBy: MemberKey.self)
      for (name, member) in members {
        try container.encode(member, forKey: MemberKey(stringValue: name))
      }
    }
  }
}

/// Accepts any member name.
private struct MemberKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
