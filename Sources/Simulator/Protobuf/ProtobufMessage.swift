/// A protobuf message as a table from members of a JSON object to fields.
struct ProtobufMessage: Sendable {
  var fields: [ProtobufField]

  init(_ fields: [ProtobufField]) {
    self.fields = fields
  }
}

/// One field of a message.
///
/// The real server's encoder writes a non-pointer field even if it is empty and omits a nil pointer. Clients must handle both, so this one
/// does the same.
struct ProtobufField: Sendable {
  indirect enum Kind: Sendable {
    case text
    case flag
    case number
    /// metav1.Time: seconds = 1, nanos = 2; RFC 3339 in JSON.
    case time
    /// resource.Quantity: string = 1.
    case quantity
    /// Bytes, in base64 in JSON.
    case bytes
    /// intstr.IntOrString: type = 1 (0 for a number, 1 for text), intVal = 2, strVal = 3.
    case numberOrText
    /// metav1.FieldsV1: the JSON text itself as Raw = 1.
    case rawJSON
    case message(ProtobufMessage)
    /// An embedded Go struct, whose members belong to the object itself.
    case inlined(ProtobufMessage)
    /// A map with string keys.
    case map(Kind)
  }

  enum Presence: Sendable {
    /// Written even if empty.
    case always
    /// A pointer: written only if set.
    case ifSet
    case repeated
  }

  var number: Int
  var name: String
  var kind: Kind
  var presence: Presence

  init(_ number: Int, _ name: String, _ kind: Kind, _ presence: Presence = .always) {
    self.number = number
    self.name = name
    self.kind = kind
    self.presence = presence
  }

  static func text(_ number: Int, _ name: String) -> Self { .init(number, name, .text, .always) }
  static func flag(_ number: Int, _ name: String) -> Self { .init(number, name, .flag, .always) }
  static func number(_ number: Int, _ name: String) -> Self { .init(number, name, .number, .always) }
  static func time(_ number: Int, _ name: String) -> Self { .init(number, name, .time, .always) }
  static func message(_ number: Int, _ name: String, _ message: ProtobufMessage) -> Self {
    .init(number, name, .message(message), .always)
  }

  static func inlined(_ number: Int, _ message: ProtobufMessage) -> Self { .init(number, "", .inlined(message)) }

  static func optional(_ number: Int, _ name: String, _ kind: Kind) -> Self {
    .init(number, name, kind, .ifSet)
  }

  static func repeated(_ number: Int, _ name: String, _ kind: Kind) -> Self {
    .init(number, name, kind, .repeated)
  }

  static func map(_ number: Int, _ name: String, _ value: Kind = .text) -> Self {
    .init(number, name, .map(value), .ifSet)
  }
}
