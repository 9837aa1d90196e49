/// A protobuf message as a table: which member of the JSON object is which field.
struct ProtobufMessage: Sendable {
  var fields: [ProtobufField]

  init(_ fields: [ProtobufField]) {
    self.fields = fields
  }
}

/// One field of a message.
///
/// The real server's encoder writes a field that is no pointer in the Go type even where it is empty, and leaves out an empty pointer;
/// readers have to cope with both, so this one does the same.
struct ProtobufField: Sendable {
  indirect enum Kind: Sendable {
    case text
    case flag
    case number
    /// metav1.Time: seconds = 1, nanos = 2; RFC 3339 in JSON.
    case time
    /// resource.Quantity: string = 1.
    case quantity
    /// Bytes, which JSON has in base64.
    case bytes
    /// intstr.IntOrString: type = 1 (0 for a number, 1 for text), intVal = 2, strVal = 3.
    case numberOrText
    /// metav1.FieldsV1: the JSON text itself as Raw = 1.
    case rawJSON
    case message(ProtobufMessage)
    /// A message whose members are the object's own: a Go struct that is embedded.
    case inlined(ProtobufMessage)
    /// A map from text.
    case map(Kind)
  }

  enum Presence: Sendable {
    /// Written even where it is empty.
    case always
    /// A pointer: written only where it is set.
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

  /// An embedded struct, whose members have no name of their own around them.
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
