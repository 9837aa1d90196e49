/// Names that are not legacy names, such as `queue.depth`: Prometheus 3 takes any UTF-8 as the name of a metric or a label and writes it in
/// quotes. Older servers only take legacy names, `[a-zA-Z_:][a-zA-Z0-9_:]*`, without the colon in labels.
/// Source: https://prometheus.io/docs/instrumenting/escaping_schemes/
package enum NameForm: Hashable, Sendable {
  /// Every character that a legacy name may not contain becomes `_`.
  case legacy
  /// In quotes, unless it is a legacy name.
  case quoted
}

package func isLegacyName(_ name: UnsafeRawBufferPointer, ofLabel: Bool) -> Bool {
  guard let first = name.first, first.isNameStart else { return false }
  return name.allSatisfy { $0.isNamePart && !(ofLabel && $0 == UInt8(ascii: ":")) }
}

/// An upper bound of the bytes that a name takes in any form.
package func writtenLength(ofName name: UnsafeRawBufferPointer, isLabel: Bool) -> Int {
  // `U__`, and `_10ffff_` for each character; a number after that for names that are taken.
  isLegacyName(name, ofLabel: isLabel) ? name.count : 8 * name.count + 24
}

/// The name of a label in quotes, unless it is a legacy name.
package func quotedIfNeeded(_ name: [UInt8]) -> [UInt8] {
  if name.withUnsafeBytes({ isLegacyName($0, ofLabel: true) }) { return name }
  return [UInt8(ascii: "\"")] + escapedName(name) + [UInt8(ascii: "\"")]
}

/// A name as written between quotes.
package func escapedName(_ name: some Collection<UInt8>) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.appendEscapedLabelValue(String(decoding: name, as: UTF8.self))
  return bytes
}

/// Translates names to legacy names. Different names of one translator stay different: a name whose translation is taken is written in the
/// scheme that can be reversed, `U__queue_2e_depth`.
package struct LegacyNames {
  private let areLabels: Bool
  private var taken: Set<[UInt8]>

  /// - Parameter legacy: the names that need no translation.
  package init(ofLabels areLabels: Bool, keeping legacy: some Sequence<[UInt8]>) {
    self.areLabels = areLabels
    taken = Set(legacy)
  }

  package mutating func translation(of name: some Collection<UInt8>) -> [UInt8] {
    let characters = String(decoding: name, as: UTF8.self).unicodeScalars
    var legacy = characters.enumerated().flatMap { index, character in
      isLegacy(character, isFirst: index == 0) ? Array(String(character).utf8) : [UInt8(ascii: "_")]
    }
    if taken.contains(legacy) {
      legacy = Array("U__".utf8)
      for character in characters {
        if character == "_" {
          legacy += Array("__".utf8)
        } else if isLegacy(character, isFirst: false) {
          legacy += Array(String(character).utf8)
        } else {
          legacy += Array("_\(String(character.value, radix: 16))_".utf8)
        }
      }
      let reversible = legacy
      var number = 2
      while taken.contains(legacy) {
        legacy = reversible + Array("_\(number)".utf8)
        number += 1
      }
    }
    taken.insert(legacy)
    return legacy
  }

  private func isLegacy(_ character: Unicode.Scalar, isFirst: Bool) -> Bool {
    guard character.isASCII, let byte = UInt8(exactly: character.value) else { return false }
    return (isFirst ? byte.isNameStart : byte.isNamePart) && !(areLabels && character == ":")
  }
}
