/// Why a watch stream cannot be cut into events.
enum FramingError: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLarge(limit: Int)

  var description: String {
    switch self {
    case .tooLarge(let limit): "an event of more than \(limit) bytes"
    }
  }
}

/// Cuts the stream of a watch, which comes in pieces of any size, into events.
///
/// JSON has an event a line. Protobuf has four bytes of length, most significant first, before each event
/// (`NewLengthDelimitedFrameReader` in k8s.io/apimachinery/pkg/util/framer).
struct WatchFraming: Sendable {
  /// So much memory a stream keeps even while it is quiet.
  private static let keptCapacity = 64 << 10

  private let format: WireFormat
  private let limit: Int
  /// Where what comes is appended, after `discardConsumed()`. What was not consumed begins at `start`.
  var buffer: [UInt8] = []
  private var start = 0
  /// In JSON, up to where there is no end of line.
  private var searched = 0

  /// - Parameter limit: bytes of one event; at most so many are kept, and what was appended behind them.
  init(_ format: WireFormat, limit: Int) {
    self.format = format
    self.limit = limit
  }

  /// Whether part of an event was received and its rest was not.
  var isInsideEvent: Bool { start < buffer.count }

  /// Lets go of what was consumed, to be called before more is appended; also of the memory, where it is far more than was needed.
  mutating func discardConsumed() {
    if buffer.capacity > Self.keptCapacity, buffer.count < buffer.capacity / 4 {
      buffer = Array(buffer[start...])
    } else {
      buffer.removeSubrange(..<start)
    }
    searched = max(searched - start, 0)
    start = 0
  }

  /// Where in `buffer` the next whole event is, until the next `discardConsumed()`; `nil` where more bytes are needed.
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
