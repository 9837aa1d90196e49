internal import Exposition

/// The pages of a snapshot as one page in the text format: each family once, with its HELP and TYPE, all its samples together. Made
/// chunk by chunk as it is sent, in the memory of one chunk.
package struct GroupedExposition: Sendable {
  /// A family of the page that is made, and where it stands in each shape.
  private struct Family {
    var name: ArraySlice<UInt8>
    var header: [UInt8]
    /// By the shape's number; -1 where a shape does not have it.
    var places: [Int32]
  }

  private static let chunkBytes = 256 << 10

  private let pages: [(page: CachedScrape, shape: Int)]
  private let families: [Family]
  private let chunkBytes: Int
  private var chunk: [UInt8] = []
  private var family = 0
  private var page = 0
  private var position: CachedScrape.Position?
  private var isHeaderDue = true

  package init(_ snapshot: VirtualSnapshot) {
    var numbers: [ObjectIdentifier: Int] = [:]
    var shapes: [ScrapeShape] = []
    pages = snapshot.entries.map { entry in
      let shape = entry.page.shape
      let number = numbers[ObjectIdentifier(shape)] ?? shapes.count
      if number == shapes.count {
        numbers[ObjectIdentifier(shape)] = number
        shapes.append(shape)
      }
      return (entry.page, number)
    }
    var found: [ArraySlice<UInt8>: Family] = [:]
    for (number, shape) in shapes.enumerated() {
      for (place, family) in shape.families.enumerated() where !family.lines.isEmpty {
        let name = shape.familyName(place)
        if found[name] == nil {
          found[name] = Family(name: name, header: Self.header(of: family, in: shape), places: Array(repeating: -1, count: shapes.count))
        }
        found[name]?.places[number] = Int32(place)
      }
    }
    families = found.values.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    // Room for the longest line there is, and for the longest header.
    let longest = pages.reduce(families.reduce(0) { max($0, $1.header.count) }) { max($0, $1.page.longestLine) }
    chunkBytes = max(Self.chunkBytes, longest)
  }

  /// Calls `body` with the next piece, which is valid during the call only; `nil` at the end.
  package mutating func withNextChunk<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result? {
    guard family < families.count else { return nil }
    var memory: [UInt8] = []
    swap(&memory, &chunk)
    if memory.isEmpty { memory = [UInt8](repeating: 0, count: chunkBytes) }
    defer { swap(&memory, &chunk) }
    return try memory.withUnsafeMutableBytes { memory in
      var output = ByteWriter(memory)
      fill(&output)
      return try body(UnsafeRawBufferPointer(rebasing: memory[..<output.place]))
    }
  }

  private mutating func fill(_ output: inout ByteWriter) {
    while family < families.count {
      if isHeaderDue {
        guard output.room >= families[family].header.count else { return }
        families[family].header.withUnsafeBytes { output.append($0) }
        isHeaderDue = false
      }
      let places = families[family].places
      while page < pages.count {
        let place = Int(places[pages[page].shape])
        if place >= 0 {
          position = pages[page].page.write(family: place, from: position, into: &output)
          if position != nil { return }
        }
        page += 1
      }
      (family, page, isHeaderDue) = (family + 1, 0, true)
    }
  }

  private static func header(of family: ScrapeShape.Family, in shape: ScrapeShape) -> [UInt8] {
    var header: [UInt8] = []
    let name = shape.text[family.name]
    if !family.help.isEmpty {
      header += Array("# HELP ".utf8) + name + Array(" ".utf8) + shape.text[family.help] + Array("\n".utf8)
    }
    if let type = family.type { header += Array("# TYPE ".utf8) + name + Array(" \(type.rawValue)\n".utf8) }
    return header
  }
}
