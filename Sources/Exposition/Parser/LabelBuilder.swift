internal import Glibc

/// The labels of a series while a rule changes them. Values are in their escaped form, as they stand on a page.
///
/// A page repeats the same labels in every family, and a rule sees each different set once: what is done here is not on the hot path.
package struct LabelBuilder: Sendable {
  struct Field: Sendable {
    var name: Range<Int>
    var value: Range<Int>
  }

  /// What `fields` point into: the set as it was read, and behind it what was added.
  private var bytes: [UInt8] = []
  private(set) var fields: [Field] = []

  init() {}

  /// Begins with the fields of a set that stands at `block`; their ranges count from its first byte.
  mutating func begin(_ block: UnsafeRawBufferPointer, fields: [Field]) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: block)
    self.fields.removeAll(keepingCapacity: true)
    self.fields.append(contentsOf: fields)
  }

  /// The label's value, if it is there and not empty.
  package func value(_ name: StaticString) -> ArraySlice<UInt8>? {
    guard let place = index(of: name), !fields[place].value.isEmpty else { return nil }
    return bytes[fields[place].value]
  }

  package func has(_ name: StaticString, value wanted: EscapedLabelValue) -> Bool {
    value(name).map { $0.elementsEqual(wanted.bytes) } ?? wanted.bytes.isEmpty
  }

  /// Gives a label its new name. Where both are there, the new one wins unless it is empty; the old one goes in any case.
  package mutating func rename(_ old: StaticString, to new: StaticString) {
    guard let place = index(of: old) else { return }
    if let other = index(of: new) {
      if fields[other].value.isEmpty { fields[other].value = fields[place].value }
      fields.remove(at: place)
    } else {
      fields[place].name = add(new)
    }
  }

  /// Sets the label where it is absent or empty; one that says something wins.
  package mutating func fill(_ name: StaticString, with value: EscapedLabelValue) {
    if let place = index(of: name) {
      if fields[place].value.isEmpty { fields[place].value = add(value.bytes) }
    } else {
      fields.append(Field(name: add(name), value: add(value.bytes)))
    }
  }

  /// Sets the label whatever it was. A value that differs is kept under `exported_` and the label's name, as Prometheus does where
  /// a target claims a label that the server gives.
  package mutating func override(_ name: StaticString, with value: EscapedLabelValue) {
    if let place = index(of: name), !fields[place].value.isEmpty, !bytes[fields[place].value].elementsEqual(value.bytes) {
      var exported = Array("exported_".utf8)
      name.withUTF8Buffer { exported.append(contentsOf: $0) }
      while index(of: exported) != nil { exported.insert(contentsOf: "exported_".utf8, at: 0) }
      fields[place].name = add(exported)
    }
    if let place = index(of: name) {
      fields[place].value = add(value.bytes)
    } else {
      fields.append(Field(name: add(name), value: add(value.bytes)))
    }
  }

  package mutating func remove(_ name: StaticString) {
    if let place = index(of: name) { fields.remove(at: place) }
  }

  // MARK: Reading the result

  package var count: Int { fields.count }

  package func nameBytes(at place: Int) -> ArraySlice<UInt8> { bytes[fields[place].name] }
  package func valueBytes(at place: Int) -> ArraySlice<UInt8> { bytes[fields[place].value] }

  /// Appends the labels as they stand between braces.
  package func append(to output: inout [UInt8]) {
    for (place, field) in fields.enumerated() {
      if place > 0 { output.append(UInt8(ascii: ",")) }
      output.append(contentsOf: bytes[field.name])
      output.append(UInt8(ascii: "="))
      output.append(UInt8(ascii: "\""))
      output.append(contentsOf: bytes[field.value])
      output.append(UInt8(ascii: "\""))
    }
  }

  /// Equal for equal sets, whatever their order. An empty label is the same as none.
  var seriesHash: UInt64 {
    bytes.withUnsafeBytes { bytes in
      fields.reduce(0) { sum, field in
        guard !field.value.isEmpty else { return sum }
        let name = hash(of: UnsafeRawBufferPointer(rebasing: bytes[field.name]))
        return sum &+ mixed(name, hash(of: UnsafeRawBufferPointer(rebasing: bytes[field.value])))
      }
    }
  }

  // MARK: Places

  private func index(of name: StaticString) -> Int? {
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      return fields.firstIndex {
        $0.name.count == name.utf8CodeUnitCount && memcmp(base + $0.name.lowerBound, name.utf8Start, $0.name.count) == 0
      }
    }
  }

  private func index(of name: [UInt8]) -> Int? {
    fields.firstIndex { bytes[$0.name].elementsEqual(name) }
  }

  private mutating func add(_ name: StaticString) -> Range<Int> {
    name.withUTF8Buffer { add(UnsafeRawBufferPointer($0)) }
  }

  private mutating func add(_ added: some Collection<UInt8>) -> Range<Int> {
    let start = bytes.count
    bytes.append(contentsOf: added)
    return start..<bytes.count
  }
}

/// A label's value as it stands between the quotes. Escaped once, used for every page.
package struct EscapedLabelValue: Hashable, Sendable {
  package let bytes: [UInt8]

  package init(_ text: String) {
    var bytes: [UInt8] = []
    bytes.appendEscapedLabelValue(text)
    self.bytes = bytes
  }
}
