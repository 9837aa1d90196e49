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
  private let format: WireFormat
  private let limit: Int
  /// What came and was not consumed begins at `start`.
  private(set) var buffer: [UInt8] = []
  private var start = 0
  /// In JSON, up to where there is no end of line.
  private var searched = 0

  /// - Parameter limit: bytes of one event; at most so many and one piece are kept.
  init(_ format: WireFormat, limit: Int) {
    self.format = format
    self.limit = limit
  }

  /// Whether part of an event was received and its rest was not.
  var isInsideEvent: Bool { start < buffer.count }

  mutating func append(_ piece: [UInt8]) {
    if start == buffer.count {
      buffer = piece
    } else {
      buffer.removeSubrange(..<start)
      buffer += piece
    }
    searched -= start
    start = 0
    searched = max(searched, 0)
  }

  /// Where in `buffer` the next whole event is, until the next `append`; `nil` where more bytes are needed.
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
