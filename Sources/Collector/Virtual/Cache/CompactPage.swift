internal import Exposition
internal import Glibc

/// The newest page of one pod, or of one node that answers for its pods: what is its own about it, and the shape that it shares with others.
///
/// About 3.5 KB for a page of 68 KB, and unlike compressed text it can be read family by family: that is how pages that arrive one by one
/// are served as one, grouped as the format wants it. Why not gzip: docs/decisions/0007.
struct CompactPage: Sendable {
  let shape: PageShape
  /// In this order: where each value ends (UInt32), where each family's lines begin (UInt32), the times (Int64), the values, the lines.
  /// A line is the length of its number (255: two more bytes have it), its time (an index; 254: eight more bytes have it; 255: none), and
  /// the number as it was written.
  private let bytes: [UInt8]
  private let timeCount: Int
  /// Bytes of the longest line as it is served.
  let longestLine: Int

  init(_ draft: borrowing PageDraft, sharedBy shapes: ShapeRegistry) {
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
      return PageShape.Family(
        name: family.name, help: family.help, type: family.type, lines: starts[index]..<starts[index] + family.lineCount)
    }
    shape = shapes.shape(of: draft, lines: order.map { draft.lines[$0].shape }, families: families)
    longestLine = draft.longestLine
    timeCount = draft.times.count

    let headBytes = 4 * draft.values.count + 4 * families.count + 8 * draft.times.count
    let lineBytes = draft.lines.reduce(0) { sum, line in
      sum + 2 + line.number.count + (line.number.count >= 255 ? 2 : 0) + (line.time == PageDraft.ownTime ? 8 : 0)
    }
    bytes = [UInt8](unsafeUninitializedCapacity: headBytes + draft.values.bytes.count + lineBytes) { buffer, count in
      var output = ByteCursor(UnsafeMutableRawBufferPointer(buffer))
      for end in draft.values.ends { output.append(UInt32(end)) }
      let familyTable = output.place
      for _ in families { output.append(UInt32(0)) }
      for time in draft.times { output.append(time) }
      draft.values.bytes.withUnsafeBytes { output.append($0) }
      draft.numbers.withUnsafeBytes { numbers in
        for (index, family) in families.enumerated() {
          output.store(UInt32(output.place), at: familyTable + 4 * index)
          for place in family.lines {
            let line = draft.lines[order[place]]
            output.append(UInt8(min(line.number.count, 255)))
            if line.number.count >= 255 { output.append(UInt16(truncatingIfNeeded: line.number.count)) }
            output.append(line.time)
            if line.time == PageDraft.ownTime { output.append(draft.ownTimes[order[place]] ?? 0) }
            output.append(UnsafeRawBufferPointer(rebasing: numbers[line.number]))
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

  /// Writes lines of a family until it ends or the room does not suffice for one more.
  /// - Returns: where to go on, or `nil` at the family's end.
  func write(family index: Int, from position: Position?, into output: inout ByteCursor) -> Position? {
    bytes.withUnsafeBytes { bytes in
      shape.text.withUnsafeBytes { text in
        shape.lines.withUnsafeBufferPointer { lines in
          shape.labels.withUnsafeBufferPointer { labels in
            shape.setEnds.withUnsafeBufferPointer { setEnds in
              let family = shape.families[index]
              let name = UnsafeRawBufferPointer(rebasing: text[family.name])
              let times = 4 * shape.valueCount + 4 * shape.families.count
              let values = times + 8 * timeCount
              var line = position?.line ?? family.lines.lowerBound
              var place = position?.place ?? Int(bytes.loadUnaligned(fromByteOffset: 4 * (shape.valueCount + index), as: UInt32.self))
              while line < family.lines.upperBound {
                guard output.room >= longestLine else { return Position(line: line, place: place) }
                output.append(name)
                if lines[line].suffix != 0 { PageShape.suffixes[lines[line].suffix].withUnsafeBytes { output.append($0) } }
                let set = lines[line].set
                var label = set == 0 ? 0 : Int(setEnds[set - 1])
                let end = Int(setEnds[set])
                if label < end {
                  var isFirst = true
                  while label < end {
                    let (labelName, value) = (Int(labels[label].name), Int(labels[label].value))
                    shape.labelOpenings[labelName].withUnsafeBytes { opening in
                      if isFirst {
                        output.append(UInt8(ascii: "{"))
                        output.append(UnsafeRawBufferPointer(rebasing: opening[2...]))
                      } else {
                        output.append(opening)
                      }
                    }
                    isFirst = false
                    let valueStart = value == 0 ? 0 : Int(bytes.loadUnaligned(fromByteOffset: 4 * (value - 1), as: UInt32.self))
                    let valueEnd = Int(bytes.loadUnaligned(fromByteOffset: 4 * value, as: UInt32.self))
                    output.append(UnsafeRawBufferPointer(rebasing: bytes[values + valueStart..<values + valueEnd]))
                    label += 1
                  }
                  output.append(UInt8(ascii: "\""))
                  output.append(UInt8(ascii: "}"))
                }
                output.append(UInt8(ascii: " "))
                let sample = readSample(bytes, &place, times: times)
                output.append(UnsafeRawBufferPointer(rebasing: bytes[sample.number]))
                if let time = sample.time {
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

  @inline(__always)
  private func readSample(_ bytes: UnsafeRawBufferPointer, _ place: inout Int, times: Int) -> (number: Range<Int>, time: Int64?) {
    var length = Int(bytes[place])
    place += 1
    if length == 255 {
      length = Int(bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self))
      place += 2
    }
    let index = bytes[place]
    place += 1
    var time: Int64?
    if index == PageDraft.ownTime {
      time = bytes.loadUnaligned(fromByteOffset: place, as: Int64.self)
      place += 8
    } else if index != PageDraft.noTime {
      time = bytes.loadUnaligned(fromByteOffset: times + 8 * Int(index), as: Int64.self)
    }
    defer { place += length }
    return (place..<place + length, time)
  }

  /// Calls `each` with every sample of a family: a way to look a label's escaped value up (`nil` where it is absent), the number, the time
  /// in milliseconds since 1970. For the few families that other pages are made of.
  func samples(
    ofFamily name: StaticString, _ each: (_ label: (StaticString) -> String?, _ number: Double, _ time: Int64?) -> Void
  ) {
    guard let index = shape.index(ofFamily: name) else { return }
    bytes.withUnsafeBytes { bytes in
      let times = 4 * shape.valueCount + 4 * shape.families.count
      let values = times + 8 * timeCount
      var place = Int(bytes.loadUnaligned(fromByteOffset: 4 * (shape.valueCount + index), as: UInt32.self))
      for line in shape.families[index].lines {
        let sample = readSample(bytes, &place, times: times)
        guard let number = Double(String(decoding: bytes[sample.number], as: UTF8.self)) else { continue }
        let labels = shape.labels[shape.labels(ofSet: shape.lines[line].set)]
        each(
          { name in
            guard let wanted = shape.index(ofLabel: name), let label = labels.first(where: { $0.name == wanted }) else { return nil }
            let start = label.value == 0 ? 0 : bytes.loadUnaligned(fromByteOffset: 4 * (Int(label.value) - 1), as: UInt32.self)
            let end = bytes.loadUnaligned(fromByteOffset: 4 * Int(label.value), as: UInt32.self)
            return String(decoding: bytes[values + Int(start)..<values + Int(end)], as: UTF8.self)
          }, number, sample.time)
      }
    }
  }
}

/// Writes into memory that was measured before.
struct ByteCursor {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var place = 0

  init(_ memory: UnsafeMutableRawBufferPointer) {
    self.memory = memory
  }

  var room: Int { memory.count - place }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= room, "the room was measured wrong")
    guard let from = bytes.baseAddress, let to = memory.baseAddress else { return }
    memcpy(to + place, from, bytes.count)
    place += bytes.count
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    memory[place] = byte
    place += 1
  }

  mutating func append(_ integer: some FixedWidthInteger) {
    withUnsafeBytes(of: integer) { append($0) }
  }

  mutating func store(_ integer: UInt32, at place: Int) {
    memory.storeBytes(of: integer, toByteOffset: place, as: UInt32.self)
  }

  /// Of a number that is not negative.
  @inline(__always)
  mutating func append(digitsOf number: Int64) {
    var rest = UInt64(number)
    var count = 1
    var bound: UInt64 = 10
    while rest >= bound, count < 19 {
      count += 1
      bound *= 10
    }
    var index = place + count
    precondition(count <= room, "the room was measured wrong")
    repeat {
      index -= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      memory[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while index > place
    place += count
  }
}
