internal import Exposition

/// The last scrape of a pod, or of a node that serves its pods' metrics: its own values, and a shape that it shares with similar scrapes.
///
/// A body of 68 KB takes about 2 KB. Unlike compressed text it can be read family by family, which is how scrapes of many pods are served
/// as one exposition with contiguous families. Why not gzip: docs/decisions/0007.
struct CachedScrape: Sendable {
  let shape: ScrapeShape
  /// In this order: the end of each label value and the start of each family's lines (UInt16, or UInt32 from 64 KB on), the times (Int64),
  /// the label values, the lines. A line is a byte for its time (an index into the times; 254: eight more bytes contain it; 255: none) and
  /// its number as a `PackedNumber`.
  private let bytes: [UInt8]
  private let timeCount: Int
  /// Upper bound of the bytes of the longest line in the text format.
  let longestLine: Int
  /// Upper bound of the bytes of all lines in the text format.
  let textBytes: Int
  private let isWide: Bool

  init(_ builder: borrowing ScrapeBuilder, sharedBy shapes: ShapeRegistry) {
    // Makes the lines of each family contiguous, also if the body returns to a family.
    var starts: [Int] = []
    var total = 0
    for family in builder.families {
      starts.append(total)
      total += family.lineCount
    }
    var order = [Int](repeating: 0, count: builder.lines.count)
    var next = starts
    for (index, line) in builder.lines.enumerated() {
      order[next[line.family]] = index
      next[line.family] += 1
    }
    let families = builder.families.indices.map { index in
      let family = builder.families[index]
      return ScrapeShape.Family(
        name: family.name, help: family.help, type: family.type, lines: starts[index]..<starts[index] + family.lineCount)
    }
    shape = shapes.shape(of: builder, lines: order.map { builder.lines[$0].shape }, families: families)
    longestLine = builder.longestLine
    textBytes = builder.textBytes
    timeCount = builder.times.count

    let lineBytes = builder.numbers.withUnsafeBytes { numbers in
      builder.lines.reduce(0) { sum, line in
        sum + 1 + PackedNumber.byteCount(of: UnsafeRawBufferPointer(rebasing: numbers[line.number]))
          + (line.time == ScrapeBuilder.ownTime ? 8 : 0)
      }
    }
    let offsets = builder.values.count + families.count
    let rest = 8 * builder.times.count + builder.values.bytes.count + lineBytes
    let isWide = 2 * offsets + rest > UInt16.max
    self.isWide = isWide
    let offsetBytes = isWide ? 4 : 2
    bytes = [UInt8](unsafeUninitializedCapacity: offsetBytes * offsets + rest) { buffer, count in
      var output = ByteWriter(UnsafeMutableRawBufferPointer(buffer))
      func append(offset: Int, to output: inout ByteWriter) {
        if isWide { output.append(UInt32(offset)) } else { output.append(UInt16(offset)) }
      }
      for end in builder.values.ends { append(offset: end, to: &output) }
      let familyTable = output.count
      for _ in families { append(offset: 0, to: &output) }
      for time in builder.times { output.append(time) }
      builder.values.bytes.withUnsafeBytes { output.append($0) }
      builder.numbers.withUnsafeBytes { numbers in
        for (index, family) in families.enumerated() {
          output.store(offset: output.count, isWide: isWide, at: familyTable + offsetBytes * index)
          for index in family.lines {
            let line = builder.lines[order[index]]
            output.append(line.time)
            if line.time == ScrapeBuilder.ownTime { output.append(builder.time(ofLine: order[index]) ?? 0) }
            PackedNumber.append(UnsafeRawBufferPointer(rebasing: numbers[line.number]), to: &output)
          }
        }
      }
      count = output.count
    }
  }

  /// Bytes of memory, without the shared shape.
  var byteCount: Int { bytes.count }
  var seriesCount: Int { shape.lines.count }

  /// The next line to write, for a family that continues in the next chunk.
  struct Position {
    fileprivate var line: Int
    fileprivate var offset: Int
  }

  /// The offsets of the parts of `bytes`.
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

    /// Reads the time of the line at `offset`, and moves `offset` to its number.
    @inline(__always)
    func readTime(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Int64? {
      let index = bytes[offset]
      offset += 1
      if index == ScrapeBuilder.noTime { return nil }
      if index == ScrapeBuilder.ownTime {
        defer { offset += 8 }
        return bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self)
      }
      return bytes.loadUnaligned(fromByteOffset: times + 8 * Int(index), as: Int64.self)
    }
  }

  private var layout: Layout {
    let times = (isWide ? 4 : 2) * (shape.valueCount + shape.families.count)
    return Layout(isWide: isWide, families: shape.valueCount, times: times, values: times + 8 * timeCount)
  }

  /// The name of a family as written in the body.
  struct WrittenName: Sendable {
    var bytes: [UInt8]
    /// Whether the name is in quotes, between the braces.
    var isQuoted: Bool
  }

  /// Writes the lines of a family until it ends, or until the longest line no longer fits.
  /// - Parameters:
  ///   - name: how the family's name is written.
  ///   - form: how the names of labels are written.
  /// - Returns: the position to continue from, or `nil` at the end of the family.
  func write(
    family index: Int, named name: WrittenName, _ form: NameForm, from position: Position?, into output: inout ByteWriter
  ) -> Position? {
    let layout = layout
    let openings = form == .quoted ? shape.uncommonNames?.quotedOpenings ?? shape.labelOpenings : shape.labelOpenings
    return bytes.withUnsafeBytes { bytes in
      name.bytes.withUnsafeBytes { nameBytes in
        shape.lines.withUnsafeBufferPointer { lines in
          shape.labels.withUnsafeBufferPointer { labels in
            shape.setEnds.withUnsafeBufferPointer { setEnds in
              let family = shape.families[index]
              var line = position?.line ?? family.lines.lowerBound
              var offset = position?.offset ?? layout.lines(ofFamily: index, in: bytes)
              while line < family.lines.upperBound {
                guard output.available >= longestLine else { return Position(line: line, offset: offset) }
                if name.isQuoted {
                  output.append(UInt8(ascii: "{"))
                  output.append(UInt8(ascii: "\""))
                }
                output.append(nameBytes)
                if lines[line].suffix != 0 { ScrapeShape.suffixes[lines[line].suffix].withUnsafeBytes { output.append($0) } }
                let set = lines[line].set
                var label = set == 0 ? 0 : Int(setEnds[set - 1])
                let end = Int(setEnds[set])
                if label < end || name.isQuoted {
                  var isFirst = !name.isQuoted
                  while label < end {
                    openings[Int(labels[label].name)].withUnsafeBytes { opening in
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
                let time = layout.readTime(bytes, &offset)
                PackedNumber.unpack(bytes, &offset, into: &output)
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

  /// Calls `each` with every sample of a family, except samples of container instances that are not on the roll: a function
  /// that returns the escaped value of a label or `nil`, the number, and the time in milliseconds since 1970. Meant for the few families
  /// that summaries are computed from.
  func samples(
    ofFamily name: StaticString, _ each: (_ label: (StaticString) -> UnsafeRawBufferPointer?, _ number: Double, _ time: Int64?) -> Void
  ) {
    guard let index = shape.index(ofFamily: name) else { return }
    let layout = layout
    var memory = [UInt8](repeating: 0, count: max(longestLine, 1))
    bytes.withUnsafeBytes { bytes in
      var offset = layout.lines(ofFamily: index, in: bytes)
      for line in shape.families[index].lines {
        let time = layout.readTime(bytes, &offset)
        let number = memory.withUnsafeMutableBytes { memory in
          var output = ByteWriter(memory)
          PackedNumber.unpack(bytes, &offset, into: &output)
          return parseNumber(UnsafeBufferPointer(rebasing: memory.bindMemory(to: UInt8.self)[..<output.count]).span)
        }
        guard let number, !shape.isOfOtherInstance(set: shape.lines[line].set) else { continue }
        let labels = shape.labels[shape.labels(ofSet: shape.lines[line].set)]
        each(
          { name in
            guard let wanted = shape.index(ofLabel: name), let label = labels.first(where: { $0.name == wanted }) else { return nil }
            return layout.value(Int(label.value), in: bytes)
          }, number, time)
      }
    }
  }
}
