/// One file of the spool: blocks one after the other, each behind a header of its own. Only the newest segment grows.
///
/// Header, little-endian: length of the block in bytes (4), its samples (4), the time of the newest (8), checksum of the block (8).
struct SpoolSegment: Sendable {
  /// The order of the segments; also the file's name.
  let number: Int
  let path: String
  /// Bytes of whole blocks with their headers. What stands behind them, a block cut by a crash, is written over.
  private(set) var size = 0
  /// Samples in whole blocks that have not been taken out.
  private(set) var samples = 0
  /// Where the oldest block stands that has not been taken out.
  private(set) var position = 0

  static let headerSize = 24
  /// More than any block has: a length beyond it is damage.
  private static let largestBlock = 64 << 20

  /// A new, empty segment.
  init(number: Int, folder: String) {
    self.number = number
    path = Self.path(number, in: folder)
  }

  /// A segment that an earlier process left.
  /// - Parameter position: where reading goes on.
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
  /// Bytes that wait.
  var waiting: Int { size - position }

  /// - Throws: where the disk does not take it; the segment is then as it was.
  mutating func append(_ block: PushBlock) throws(SpoolError) {
    let file = try SpoolFile(path, .writing)
    try file.write(Header(of: block).bytes + block.bytes, at: size)
    size += Self.headerSize + block.bytes.count
    samples += block.samples
  }

  /// The oldest block that waits; `nil` where the file holds something else than was written.
  func first() throws(SpoolError) -> PushBlock? {
    let file = try SpoolFile(path, .reading)
    guard let header = Header(try file.read(at: position, count: Self.headerSize)) else { return nil }
    let bytes = try file.read(at: position + Self.headerSize, count: header.length)
    let block = PushBlock(bytes: bytes, samples: header.samples, newest: header.newest)
    return Header(of: block) == header ? block : nil
  }

  mutating func takeOut(_ block: PushBlock) {
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

    /// `nil` for bytes that are no header.
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

    /// FNV-1a: finds what a crash or a full disk leaves behind; it is not to keep anybody out.
    private static func checksum(of bytes: [UInt8]) -> UInt64 {
      bytes.withUnsafeBufferPointer { $0.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }
    }
  }
}
