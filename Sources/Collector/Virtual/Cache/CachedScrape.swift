internal import Exposition

/// The newest page of one pod, or of one node that answers for its pods: what is its own about it, and the shape that it shares with others.
///
/// About 2 KB for a page of 68 KB, and unlike compressed text it can be read family by family: that is how pages that arrive one by one
/// are served as one, grouped as the format wants it. Why not gzip: docs/decisions/0007.
struct CachedScrape: Sendable {
  let shape: ScrapeShape
  /// In this order: where each value ends, where each family's lines begin (both UInt16, UInt32 on a page of 64 KB and more), the times
  /// (Int64), the values, the lines. A line is its time (an index; 254: eight more bytes have it; 255: none), and its number as it was
  /// written, as `PackedNumber` has it.
  private let bytes: [UInt8]
  private let timeCount: Int
  /// Bytes of the longest line as it is served.
  let longestLine: Int
  private let isWide: Bool

  init(_ draft: borrowing ScrapeBuilder, sharedBy shapes: ShapeRegistry) {
    // A page that goes back to a family has its lines brought together.
    var starts: [Int] = []
    var total = 0
    for family in draft.families {
      starts.append(total)
      total += family.lineCount
    }
    var order = [Int](repeating: 0, count: draft.lines.count)
    var next = starts
    for (place, line) in draft.lines.enumerated() {
      order[next[line.family]] = place
      next[line.family] += 1
    }
    let families = draft.families.indices.map { index in
      let family = draft.families[index]
      return ScrapeShape.Family(
        name: family.name, help: family.help, type: family.type, lines: starts[index]..<starts[index] + family.lineCount)
    }
    shape = shapes.shape(of: draft, lines: order.map { draft.lines[$0].shape }, families: families)
    longestLine = draft.longestLine
    timeCount = draft.times.count

    let lineBytes = draft.numbers.withUnsafeBytes { numbers in
      draft.lines.reduce(0) { sum, line in
        sum + 1 + PackedNumber.byteCount(of: UnsafeRawBufferPointer(rebasing: numbers[line.number]))
          + (line.time == ScrapeBuilder.ownTime ? 8 : 0)
      }
    }
    let offsets = draft.values.count + families.count
    let rest = 8 * draft.times.count + draft.values.bytes.count + lineBytes
    let isWide = 2 * offsets + rest > UInt16.max
    self.isWide = isWide
    let offsetBytes = isWide ? 4 : 2
    bytes = [UInt8](unsafeUninitializedCapacity: offsetBytes * offsets + rest) { buffer, count in
      var output = ByteWriter(UnsafeMutableRawBufferPointer(buffer))
      func append(offset: Int, to output: inout ByteWriter) {
        if isWide { output.append(UInt32(offset)) } else { output.append(UInt16(offset)) }
      }
      for end in draft.values.ends { append(offset: end, to: &output) }
      let familyTable = output.place
      for _ in families { append(offset: 0, to: &output) }
      for time in draft.times { output.append(time) }
      draft.values.bytes.withUnsafeBytes { output.append($0) }
      draft.numbers.withUnsafeBytes { numbers in
        for (index, family) in families.enumerated() {
          output.store(offset: output.place, isWide: isWide, at: familyTable + offsetBytes * index)
          for place in family.lines {
            let line = draft.lines[order[place]]
            output.append(line.time)
            if line.time == ScrapeBuilder.ownTime { output.append(draft.time(ofLine: order[place]) ?? 0) }
            PackedNumber.append(UnsafeRawBufferPointer(rebasing: numbers[line.number]), to: &output)
          }
        }
      }
      count = output.place
    }
  }

  /// Memory that is this page's alone.
  var byteCount: Int { bytes.count }
  var seriesCount: Int { shape.lines.count }

  /// Where the next line to be written is; a family that does not fit into a chunk goes on in the next.
  struct Position {
    fileprivate var line: Int
    fileprivate var place: Int
  }

  /// Where the parts of `bytes` begin.
  private struct Layout {
    var isWide: Bool
    var families: Int
    var times: Int
    var values: Int

    @inline(__always)
    func offset(_ index: Int, in bytes: UnsafeRawBufferPointer) -> Int {
      isWide
        ? Int(bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
        : Int(bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    }

    @inline(__always)
    func value(_ index: Int, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
      let start = index == 0 ? 0 : offset(index - 1, in: bytes)
      return UnsafeRawBufferPointer(rebasing: bytes[values + start..<values + offset(index, in: bytes)])
    }

    func lines(ofFamily index: Int, in bytes: UnsafeRawBufferPointer) -> Int {
      offset(families + index, in: bytes)
    }

    /// The time of the line that begins at the place; the place is moved to its number.
    @inline(__always)
    func readTime(_ bytes: UnsafeRawBufferPointer, _ place: inout Int) -> Int64? {
      let index = bytes[place]
      place += 1
      if index == ScrapeBuilder.noTime { return nil }
      if index == ScrapeBuilder.ownTime {
        defer { place += 8 }
        return bytes.loadUnaligned(fromByteOffset: place, as: Int64.self)
      }
      return bytes.loadUnaligned(fromByteOffset: times + 8 * Int(index), as: Int64.self)
    }
  }

  private var layout: Layout {
    let times = (isWide ? 4 : 2) * (shape.valueCount + shape.families.count)
    return Layout(isWide: isWide, families: shape.valueCount, times: times, values: times + 8 * timeCount)
  }

  /// Writes lines of a family until it ends or the room does not suffice for one more.
  /// - Returns: where to go on, or `nil` at the family's end.
  func write(family index: Int, from position: Position?, into output: inout ByteWriter) -> Position? {
    let layout = layout
    return bytes.withUnsafeBytes { bytes in
      shape.text.withUnsafeBytes { text in
        shape.lines.withUnsafeBufferPointer { lines in
          shape.labels.withUnsafeBufferPointer { labels in
            shape.setEnds.withUnsafeBufferPointer { setEnds in
              let family = shape.families[index]
              let name = UnsafeRawBufferPointer(rebasing: text[family.name])
              var line = position?.line ?? family.lines.lowerBound
              var place = position?.place ?? layout.lines(ofFamily: index, in: bytes)
              while line < family.lines.upperBound {
                guard output.room >= longestLine else { return Position(line: line, place: place) }
                output.append(name)
                if lines[line].suffix != 0 { ScrapeShape.suffixes[lines[line].suffix].withUnsafeBytes { output.append($0) } }
                let set = lines[line].set
                var label = set == 0 ? 0 : Int(setEnds[set - 1])
                let end = Int(setEnds[set])
                if label < end {
                  var isFirst = true
                  while label < end {
                    shape.labelOpenings[Int(labels[label].name)].withUnsafeBytes { opening in
                      if isFirst {
                        output.append(UInt8(ascii: "{"))
                        output.append(UnsafeRawBufferPointer(rebasing: opening[2...]))
                      } else {
                        output.append(opening)
                      }
                    }
                    isFirst = false
                    output.append(layout.value(Int(labels[label].value), in: bytes))
                    label += 1
                  }
                  output.append(UInt8(ascii: "\""))
                  output.append(UInt8(ascii: "}"))
                }
                output.append(UInt8(ascii: " "))
                let time = layout.readTime(bytes, &place)
                PackedNumber.unpack(bytes, &place, into: &output)
                if let time {
                  output.append(UInt8(ascii: " "))
                  output.append(digitsOf: time)
                }
                output.append(UInt8(ascii: "\n"))
                line += 1
              }
              return nil
            }
          }
        }
      }
    }
  }

  /// Calls `each` with every sample of a family: a way to look a label's escaped value up (`nil` where it is absent), the number, the time
  /// in milliseconds since 1970. For the few families that other pages are made of.
  func samples(
    ofFamily name: StaticString, _ each: (_ label: (StaticString) -> String?, _ number: Double, _ time: Int64?) -> Void
  ) {
    guard let index = shape.index(ofFamily: name) else { return }
    let layout = layout
    var memory = [UInt8](repeating: 0, count: max(longestLine, 1))
    bytes.withUnsafeBytes { bytes in
      var place = layout.lines(ofFamily: index, in: bytes)
      for line in shape.families[index].lines {
        let time = layout.readTime(bytes, &place)
        let text = memory.withUnsafeMutableBytes { memory in
          var output = ByteWriter(memory)
          PackedNumber.unpack(bytes, &place, into: &output)
          return String(decoding: memory[..<output.place], as: UTF8.self)
        }
        guard let number = Double(text) else { continue }
        let labels = shape.labels[shape.labels(ofSet: shape.lines[line].set)]
        each(
          { name in
            guard let wanted = shape.index(ofLabel: name), let label = labels.first(where: { $0.name == wanted }) else { return nil }
            return String(decoding: layout.value(Int(label.value), in: bytes), as: UTF8.self)
          }, number, time)
      }
    }
  }
}
