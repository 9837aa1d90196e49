internal import Glibc

/// The label set of a series while a rule rewrites it. Values stay escaped, as in the text format.
///
/// A rule sees each distinct set of a body once, so this code is not on the hot path.
package struct LabelBuilder: Sendable {
  struct Field: Sendable {
    var name: Range<Int>
    var value: Range<Int>
  }

  /// The parsed set, followed by names and values added later. `fields` refer to it.
  private var bytes: [UInt8] = []
  private(set) var fields: [Field] = []

  init() {}

  /// Starts with a parsed set. The ranges of its fields are relative to `block`.
  mutating func begin(_ block: UnsafeRawBufferPointer, fields: [Field]) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: block)
    self.fields.removeAll(keepingCapacity: true)
    self.fields.append(contentsOf: fields)
  }

  /// The escaped value of a label. `nil` if the label is absent or empty.
  package func value(_ name: StaticString) -> ArraySlice<UInt8>? {
    guard let index = index(of: name), !fields[index].value.isEmpty else { return nil }
    return bytes[fields[index].value]
  }

  /// The unescaped value of a label. `nil` if the label is absent.
  package func text(_ name: StaticString) -> String? {
    index(of: name).map { unescapedLabelValue(bytes[fields[$0].value]) }
  }

  /// Renames a label. If both names exist, the value under the new name wins unless it is empty.
  package mutating func rename(_ old: StaticString, to new: StaticString) {
    guard let index = index(of: old) else { return }
    if let other = self.index(of: new) {
      if fields[other].value.isEmpty { fields[other].value = fields[index].value }
      fields.remove(at: index)
    } else {
      fields[index].name = add(new)
    }
  }

  /// Sets a label that is absent or empty. Keeps an existing value.
  package mutating func fill(_ name: StaticString, with value: EscapedLabelValue) {
    if let index = index(of: name) {
      if fields[index].value.isEmpty { fields[index].value = add(value.bytes) }
    } else {
      fields.append(Field(name: add(name), value: add(value.bytes)))
    }
  }

  /// Sets a label and keeps a differing old value under `exported_<name>`, as Prometheus does without `honor_labels`.
  package mutating func override(_ name: StaticString, with value: EscapedLabelValue) {
    if let index = index(of: name), !fields[index].value.isEmpty, !bytes[fields[index].value].elementsEqual(value.bytes) {
      var exported = Array("exported_".utf8)
      name.withUTF8Buffer { exported.append(contentsOf: $0) }
      while self.index(of: exported) != nil { exported.insert(contentsOf: "exported_".utf8, at: 0) }
      fields[index].name = add(exported)
    }
    if let index = index(of: name) {
      fields[index].value = add(value.bytes)
    } else {
      fields.append(Field(name: add(name), value: add(value.bytes)))
    }
  }

  package mutating func remove(_ name: StaticString) {
    if let index = index(of: name) { fields.remove(at: index) }
  }

  // MARK: Result

  package var count: Int { fields.count }

  package func nameBytes(at index: Int) -> ArraySlice<UInt8> { bytes[fields[index].name] }
  package func valueBytes(at index: Int) -> ArraySlice<UInt8> { bytes[fields[index].value] }

  /// Appends the labels in the text format, without braces and with legacy names.
  package func append(to output: inout [UInt8]) {
    var names: LegacyNames?
    for (index, field) in fields.enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      if isLegacy(field) {
        output.append(contentsOf: bytes[field.name])
      } else {
        var translator = names ?? LegacyNames(ofLabels: true, keeping: fields.filter(isLegacy).map { Array(bytes[$0.name]) })
        output.append(contentsOf: translator.translation(of: bytes[field.name]))
        names = translator
      }
      output.append(UInt8(ascii: "="))
      output.append(UInt8(ascii: "\""))
      output.append(contentsOf: bytes[field.value])
      output.append(UInt8(ascii: "\""))
    }
  }

  private func isLegacy(_ field: Field) -> Bool { bytes[field.name].withUnsafeBytes { isLegacyName($0, ofLabel: true) } }

  /// Equal for equal sets in any order. An empty label counts as absent.
  var seriesHash: UInt64 {
    bytes.withUnsafeBytes { bytes in
      fields.reduce(0) { sum, field in
        guard !field.value.isEmpty else { return sum }
        // `mixed` is commutative: the constant distinguishes `a="b"` from `b="a"`.
        let name = hash(of: UnsafeRawBufferPointer(rebasing: bytes[field.name]))
        let value = hash(of: UnsafeRawBufferPointer(rebasing: bytes[field.value]))
        return sum &+ mixed(name, value &+ 0x9e37_79b9_7f4a_7c15)
      }
    }
  }

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

/// A label value in its escaped form. Escaped once and used for many bodies.
package struct EscapedLabelValue: Hashable, Sendable {
  package let bytes: [UInt8]

  package init(_ text: String) {
    var bytes: [UInt8] = []
    bytes.appendEscapedLabelValue(text)
    self.bytes = bytes
  }
}

/// The text of an escaped label value. Invalid UTF-8 is replaced.
package func unescapedLabelValue(_ escaped: some Collection<UInt8>) -> String {
  guard escaped.contains(UInt8(ascii: "\\")) else { return String(decoding: escaped, as: UTF8.self) }
  var bytes: [UInt8] = []
  Array(escaped).withUnsafeBytes { bytes.append(unescaping: $0) }
  return String(decoding: bytes, as: UTF8.self)
}

extension [UInt8] {
  /// Appends what the escapes `\\`, `\"` and `\n` of a label value or a help text stand for.
  package mutating func append(unescaping escaped: UnsafeRawBufferPointer) {
    guard escaped.contains(UInt8(ascii: "\\")) else {
      append(contentsOf: escaped)
      return
    }
    var isEscape = false
    for byte in escaped {
      if isEscape {
        append(byte == UInt8(ascii: "n") ? UInt8(ascii: "\n") : byte)
        isEscape = false
      } else if byte == UInt8(ascii: "\\") {
        isEscape = true
      } else {
        append(byte)
      }
    }
  }
}
