internal import Primitives

/// The labels of a record, read in place.
package struct PackedLabels: Sendable {
  private let storage: Name?
  /// Where the pairs start.
  private let offset: Int

  /// No labels.
  package init() {
    storage = nil
    offset = 0
  }

  /// - Parameter offset: where `PackedWriter.append(pairs:of:)` has written them.
  init(_ storage: Name, at offset: Int) {
    self.storage = storage
    self.offset = offset
  }

  package init(_ labels: [String: String]) {
    var arena = TextArena()
    let pairs = arena.add(labels)
    var writer = PackedWriter()
    writer.append(pairs: pairs, of: arena.bytes.span.bytes)
    self.init(writer.bytes.withUnsafeBytes { Name(bytes: $0) }, at: 0)
  }

  /// Calls `body` with the UTF-8 of each key and value, sorted by key, until it returns false.
  package func forEach(while body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool) {
    storage?.withBytes { bytes in
      var reader = PackedReader(bytes, at: offset)
      for _ in 0..<reader.count() {
        let (key, value) = (reader.textBytes(), reader.textBytes())
        if !body(key, value) { return }
      }
    }
  }

  package var dictionary: [String: String] {
    storage?.withBytes { bytes in
      var reader = PackedReader(bytes, at: offset)
      return reader.pairs()
    } ?? [:]
  }

  package subscript(key: String) -> String? {
    var value: String?
    forEach { candidate, text in
      guard candidate.elementsEqual(key.utf8) else { return true }
      value = String(decoding: text, as: UTF8.self)
      return false
    }
    return value
  }
}
