internal import Primitives

/// One file of the spool: a sequence of blocks, each preceded by a header. Only the newest segment grows.
///
/// Header, little-endian: length of the block in bytes (4), number of samples (4), newest timestamp (8), checksum of the block (8).
struct SpoolSegment: Sendable {
  /// Determines the order of the segments, and the file's name.
  let number: Int
  let path: String
  /// Bytes of complete blocks including their headers. A block behind them that a crash cut off is overwritten.
  private(set) var size = 0
  /// Samples in the remaining blocks.
  private(set) var samples = 0
  /// The offset of the oldest remaining block.
  private(set) var position = 0

  static let headerSize = 24
  /// Larger than any block: a greater length means damage.
  private static let largestBlock = 64 << 20

  /// Creates an empty segment.
  init(number: Int, folder: String) {
    self.number = number
    path = Self.path(number, in: folder)
  }

  /// Opens a segment of an earlier process.
  /// - Parameter position: the offset of the oldest remaining block.
  init(reading number: Int, folder: String, from position: Int) throws(SpoolError) {
    self.init(number: number, folder: folder)
    let file = try SpoolFile(path, .reading)
    let end = try file.size()
    while let header = Header(try file.read(at: size, count: Self.headerSize)), size + Self.headerSize + header.length <= end {
      if size >= position { samples += header.samples }
      size += Self.headerSize + header.length
    }
    self.position = min(max(position, 0), size)
  }

  var isDone: Bool { position >= size }
  /// Bytes of the remaining blocks.
  var waiting: Int { size - position }

  /// - Throws: if the block cannot be written; the segment is then unchanged.
  mutating func append(_ block: PushBlock) throws(SpoolError) {
    let file = try SpoolFile(path, .writing)
    try file.write(Header(of: block).bytes + block.bytes, at: size)
    size += Self.headerSize + block.bytes.count
    samples += block.samples
  }

  /// The oldest remaining block; `nil` if it is damaged.
  func first() throws(SpoolError) -> PushBlock? {
    let file = try SpoolFile(path, .reading)
    guard let header = Header(try file.read(at: position, count: Self.headerSize)) else { return nil }
    let bytes = try file.read(at: position + Self.headerSize, count: header.length)
    let block = PushBlock(bytes: bytes, samples: header.samples, newest: header.newest)
    return Header(of: block) == header ? block : nil
  }

  mutating func remove(_ block: PushBlock) {
    position += Self.headerSize + block.bytes.count
    samples -= block.samples
  }

  static func path(_ number: Int, in folder: String) -> String {
    let digits = String(number)
    return "\(folder)/\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits).spool"
  }

  private struct Header: Equatable {
    var length: Int
    var samples: Int
    var newest: Int64
    var checksum: UInt64

    init(of block: PushBlock) {
      length = block.bytes.count
      samples = block.samples
      newest = block.newest
      checksum = Self.checksum(of: block.bytes)
    }

    /// `nil` if the bytes are not a valid header.
    init?(_ bytes: [UInt8]) {
      guard bytes.count == SpoolSegment.headerSize else { return nil }
      let (length, samples, newest, checksum) = bytes.withUnsafeBytes { raw in
        (
          UInt32(littleEndian: raw.loadUnaligned(as: UInt32.self)),
          UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self)),
          Int64(littleEndian: raw.loadUnaligned(fromByteOffset: 8, as: Int64.self)),
          UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        )
      }
      guard length > 0, length <= SpoolSegment.largestBlock, samples > 0 else { return nil }
      self.length = Int(length)
      self.samples = Int(samples)
      self.newest = newest
      self.checksum = checksum
    }

    var bytes: [UInt8] {
      var bytes: [UInt8] = []
      withUnsafeBytes(of: UInt32(length).littleEndian) { bytes.append(contentsOf: $0) }
      withUnsafeBytes(of: UInt32(samples).littleEndian) { bytes.append(contentsOf: $0) }
      withUnsafeBytes(of: newest.littleEndian) { bytes.append(contentsOf: $0) }
      withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
      return bytes
    }

    /// FNV-1a detects damage by a crash or a full disk, not tampering.
    private static func checksum(of bytes: [UInt8]) -> UInt64 { fnv1a(bytes) }
  }
}
