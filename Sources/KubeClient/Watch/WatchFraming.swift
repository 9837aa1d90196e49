/// Why a watch stream cannot be split into events.
enum FramingError: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLarge(limit: Int)

  var description: String {
    switch self {
    case .tooLarge(let limit): "an event of more than \(limit) bytes"
    }
  }
}

/// Splits a watch stream, received in pieces of any size, into events.
///
/// A JSON event is a line. A protobuf event follows a big-endian length of four bytes (`NewLengthDelimitedFrameReader` in
/// k8s.io/apimachinery/pkg/util/framer).
struct WatchFraming: Sendable {
  /// The capacity that an idle stream keeps.
  private static let keptCapacity = 64 << 10

  private let format: WireFormat
  private let limit: Int
  /// Append received bytes here, after `discardConsumed()`. Unconsumed bytes start at `start`.
  var buffer: [UInt8] = []
  private var start = 0
  /// In JSON, there is no end of line before this index.
  private var searched = 0

  /// - Parameter limit: bytes of one event. At most this and the last piece are buffered.
  init(_ format: WireFormat, limit: Int) {
    self.format = format
    self.limit = limit
  }

  /// Whether an event is incomplete.
  var isInsideEvent: Bool { start < buffer.count }

  /// Discards consumed bytes, and the memory of a much too large buffer. Call before appending.
  mutating func discardConsumed() {
    if buffer.capacity > Self.keptCapacity, buffer.count < buffer.capacity / 4 {
      buffer = Array(buffer[start...])
    } else {
      buffer.removeSubrange(..<start)
    }
    searched = max(searched - start, 0)
    start = 0
  }

  /// The range of the next event in `buffer`, valid until `discardConsumed()`; `nil` if more bytes are needed.
  mutating func next() throws(FramingError) -> Range<Int>? {
    switch format {
    case .json: try nextLine()
    case .protobuf: try nextFrame()
    }
  }

  private mutating func nextLine() throws(FramingError) -> Range<Int>? {
    while start < buffer.count {
      guard let end = buffer[max(start, searched)...].firstIndex(of: UInt8(ascii: "\n")) else {
        searched = buffer.count
        if buffer.count - start > limit { throw .tooLarge(limit: limit) }
        return nil
      }
      let line = start..<end
      start = end + 1
      if line.count > limit { throw .tooLarge(limit: limit) }
      if buffer[line].contains(where: { $0 > UInt8(ascii: " ") }) { return line }
    }
    return nil
  }

  private mutating func nextFrame() throws(FramingError) -> Range<Int>? {
    guard buffer.count - start >= 4 else { return nil }
    let length = buffer[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
    if length > limit { throw .tooLarge(limit: limit) }
    guard buffer.count - start - 4 >= length else { return nil }
    let frame = (start + 4)..<(start + 4 + length)
    start = frame.upperBound
    return frame
  }
}
