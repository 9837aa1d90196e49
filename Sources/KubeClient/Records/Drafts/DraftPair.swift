/// A label or an annotation, by where its texts are in a buffer.
struct DraftPair {
  var key: Range<Int>
  var value: Range<Int>
}

extension PackedWriter {
  /// Appends the pairs by key, so that equal content gives equal bytes; of a key that comes twice the last.
  mutating func append(pairs: [DraftPair], of buffer: RawSpan) {
    guard pairs.count > 1 else {
      append(count: pairs.count)
      for pair in pairs { append(pair, of: buffer) }
      return
    }
    let sorted = pairs.enumerated().sorted { left, right in
      switch compare(left.element.key, right.element.key, in: buffer) {
      case 0: left.offset < right.offset
      case let order: order < 0
      }
    }.map(\.element)
    let kept = sorted.indices.filter { index in
      index + 1 == sorted.count || compare(sorted[index].key, sorted[index + 1].key, in: buffer) != 0
    }
    append(count: kept.count)
    for index in kept { append(sorted[index], of: buffer) }
  }

  private mutating func append(_ pair: DraftPair, of buffer: RawSpan) {
    append(text: pair.key, of: buffer)
    append(text: pair.value, of: buffer)
  }
}

/// Less than, equal to or more than 0, as the first text comes before, is equal to or comes after the second, byte by byte.
func compare(_ left: Range<Int>, _ right: Range<Int>, in bytes: RawSpan) -> Int {
  for (left, right) in zip(left, right) {
    let difference =
      Int(bytes.unsafeLoad(fromByteOffset: left, as: UInt8.self)) - Int(bytes.unsafeLoad(fromByteOffset: right, as: UInt8.self))
    if difference != 0 { return difference }
  }
  return left.count - right.count
}
