package import Exposition

/// The scrapes of a snapshot as one exposition: each family once, with its HELP and TYPE lines and all its samples. Rendered in chunks
/// while it is sent, in the memory of one chunk.
package struct GroupedExposition: Sendable {
  /// A family of the exposition, and its index in each shape.
  private struct Family {
    var name: ArraySlice<UInt8>
    var written: CachedScrape.WrittenName
    var help: ArraySlice<UInt8>
    var type: MetricType?
    /// The HELP and TYPE lines.
    var header: [UInt8] = []
    /// By the number of the shape. -1 for shapes without the family.
    var indices: [Int32]
  }

  private static let chunkBytes = 256 << 10

  private let scrapes: [(scrape: CachedScrape, shape: Int)]
  private let families: [Family]
  private let chunkBytes: Int
  private let form: NameForm
  /// Whether a name is written in quotes.
  package let hasQuotedNames: Bool
  private var chunk: [UInt8] = []
  private var family = 0
  private var scrape = 0
  private var position: CachedScrape.Position?
  private var isHeaderDue = true

  /// - Parameter form: how names are written that are not legacy names.
  package init(_ snapshot: VirtualSnapshot, names form: NameForm = .legacy) {
    self.form = form
    var numbers: [ObjectIdentifier: Int] = [:]
    var shapes: [ScrapeShape] = []
    scrapes = snapshot.entries.map { entry in
      let shape = entry.scrape.shape
      let number = numbers[ObjectIdentifier(shape)] ?? shapes.count
      if number == shapes.count {
        numbers[ObjectIdentifier(shape)] = number
        shapes.append(shape)
      }
      return (entry.scrape, number)
    }
    var found: [ArraySlice<UInt8>: Family] = [:]
    for (number, shape) in shapes.enumerated() {
      for (index, family) in shape.families.enumerated() where !family.lines.isEmpty {
        let name = shape.familyName(index)
        if found[name] == nil {
          found[name] = Family(
            name: name, written: CachedScrape.WrittenName(bytes: Array(name), isQuoted: false), help: shape.text[family.help],
            type: family.type, indices: Array(repeating: -1, count: shapes.count))
        }
        found[name]?.indices[number] = Int32(index)
      }
    }
    let isUncommon = shapes.contains { $0.uncommonNames != nil }
    hasQuotedNames = isUncommon && form == .quoted
    var families = found.values.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    if isUncommon { Self.write(namesOf: &families, form) }
    for index in families.indices { families[index].header = Self.header(of: families[index]) }
    self.families = families
    // A chunk must fit the longest line and the longest header.
    let longest = scrapes.reduce(families.reduce(0) { max($0, $1.header.count) }) { max($0, $1.scrape.longestLine) }
    chunkBytes = max(Self.chunkBytes, longest)
  }

  /// Calls `body` with the next chunk, which is valid during the call only. Returns `nil` at the end.
  package mutating func withNextChunk<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result? {
    guard family < families.count else { return nil }
    var memory: [UInt8] = []
    swap(&memory, &chunk)
    if memory.isEmpty { memory = [UInt8](repeating: 0, count: chunkBytes) }
    defer { swap(&memory, &chunk) }
    return try memory.withUnsafeMutableBytes { memory in
      var output = ByteWriter(memory)
      fill(&output)
      return try body(UnsafeRawBufferPointer(rebasing: memory[..<output.count]))
    }
  }

  private mutating func fill(_ output: inout ByteWriter) {
    while family < families.count {
      if isHeaderDue {
        guard output.available >= families[family].header.count else { return }
        families[family].header.withUnsafeBytes { output.append($0) }
        isHeaderDue = false
      }
      let indices = families[family].indices
      let written = families[family].written
      while scrape < scrapes.count {
        let index = Int(indices[scrapes[scrape].shape])
        if index >= 0 {
          position = scrapes[scrape].scrape.write(family: index, named: written, form, from: position, into: &output)
          if position != nil { return }
        }
        scrape += 1
      }
      (family, scrape, isHeaderDue) = (family + 1, 0, true)
    }
  }

  /// Writes the names that are not legacy names in the given form.
  private static func write(namesOf families: inout [Family], _ form: NameForm) {
    func isLegacy(_ family: Family) -> Bool { family.name.withUnsafeBytes { isLegacyName($0, ofLabel: false) } }
    var translator = LegacyNames(ofLabels: false, keeping: families.filter(isLegacy).map { Array($0.name) })
    for index in families.indices where !isLegacy(families[index]) {
      let name = families[index].name
      families[index].written =
        switch form {
        case .legacy: CachedScrape.WrittenName(bytes: translator.translation(of: name), isQuoted: false)
        case .quoted: CachedScrape.WrittenName(bytes: escapedName(name), isQuoted: true)
        }
    }
  }

  private static func header(of family: Family) -> [UInt8] {
    let quote = family.written.isQuoted ? [UInt8(ascii: "\"")] : []
    let name = quote + family.written.bytes + quote
    var header: [UInt8] = []
    if !family.help.isEmpty { header += Array("# HELP ".utf8) + name + Array(" ".utf8) + family.help + Array("\n".utf8) }
    if let type = family.type { header += Array("# TYPE ".utf8) + name + Array(" \(type.rawValue)\n".utf8) }
    return header
  }
}
