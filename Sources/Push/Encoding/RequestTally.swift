/// Counts the samples of the request that is being built, and keeps the full requests before it.
struct RequestTally: Sendable {
  /// Samples in the current request.
  private(set) var samples = 0
  private let limit: Int
  private var newest: Int64 = .min
  private var full: [PushBlock] = []

  /// - Parameter limit: samples per request.
  init(limit: Int) {
    self.limit = max(limit, 1)
  }

  /// How many samples the current request still takes.
  var room: Int { limit - samples }
  var isFull: Bool { samples >= limit }

  @inline(__always)
  mutating func add(timestamp: Int64) {
    samples += 1
    newest = max(newest, timestamp)
  }

  /// Ends the current request, which has these bytes, and begins the next one.
  mutating func end(_ bytes: [UInt8]) -> PushBlock {
    defer { (samples, newest) = (0, .min) }
    return PushBlock(bytes: bytes, samples: samples, newest: newest)
  }

  mutating func keep(_ block: PushBlock) { full.append(block) }

  /// Removes and returns the full requests.
  mutating func takeFull() -> [PushBlock] {
    defer { full = [] }
    return full
  }
}
