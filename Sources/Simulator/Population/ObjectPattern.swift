import JSON

/// An object in all the forms in which it is sent, with places in it that are filled in when it is: many alike objects at the price of one.
final class ObjectPattern: Sendable {
  /// The object without `apiVersion` and `kind`, as stored objects are.
  let json: BytePattern
  let protobuf: BytePattern
  /// What selectors look at, as a small JSON object of `labels` and `selectable`.
  let facts: BytePattern

  /// - Parameter template: an object with placeholders for texts; its metadata has one for the version, too.
  init(_ template: JSONValue, kind: ResourceKind) {
    var object = template
    object["apiVersion"] = nil
    object["kind"] = nil
    json = BytePattern(object.bytes)
    protobuf = BytePattern(kind.message.map { ProtobufEncoder.encode(object, as: $0) } ?? [])
    let selectable = kind.selectableFields.map { JSONValue.string($0.value(in: object)) }
    let facts: JSONValue = ["labels": object["metadata"]?["labels"] ?? [:], "selectable": .array(selectable)]
    self.facts = BytePattern(facts.bytes)
  }
}

/// Bytes with places that take a text of the same length.
struct BytePattern: Sendable {
  private struct Place {
    var field: PatternField
    var offset: Int
  }

  private let bytes: [UInt8]
  private let places: [Place]

  var count: Int { bytes.count }

  /// Finds the placeholders in the template.
  init(_ template: [UInt8]) {
    bytes = template
    var places: [Place] = []
    var index = 0
    while index < template.count {
      let run = template[index...].prefix { $0 == template[index] }.count
      if let field = PatternField(letter: template[index]), run == field.length { places.append(Place(field: field, offset: index)) }
      index += run
    }
    self.places = places
  }

  func filled(with texts: FieldTexts) -> [UInt8] {
    var filled = bytes
    filled.withUnsafeMutableBytes { target in
      texts.bytes.withUnsafeBytes { source in
        for place in places {
          let length = place.field.length
          let text = UnsafeRawBufferPointer(rebasing: source[place.field.offset..<place.field.offset + length])
          UnsafeMutableRawBufferPointer(rebasing: target[place.offset..<place.offset + length]).copyMemory(from: text)
        }
      }
    }
    return filled
  }
}

extension PatternField {
  fileprivate init?(letter: UInt8) {
    guard letter >= UInt8(ascii: "A") else { return nil }
    self.init(rawValue: letter - UInt8(ascii: "A"))
  }
}
