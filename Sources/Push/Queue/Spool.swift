internal import Glibc

/// A FIFO queue of blocks in a folder on disk, which survives restarts, so that a receiver's outage costs disk space instead of memory.
///
/// Writes are not synced: a crash of the machine may lose the last seconds, a crash of the process loses nothing.
struct Spool: Sendable {
  private let folder: String
  private let limit: Int
  private let segmentSize: Int
  private var segments: [SpoolSegment] = []

  /// A text file with a line for each partly read segment: its number and the read position.
  private var positionsPath: String { "\(folder)/positions" }
  /// Numbers of new segments start here, which leaves room for `prepend`.
  private static let firstNumber = 1_000_000

  /// Opens the folder, or creates it, and reads the segments of earlier processes.
  /// - Parameters:
  ///   - limit: bytes on disk; beyond it the oldest segment is dropped.
  ///   - segmentSize: bytes at which a new segment is started.
  init(folder: String, limit: Int, segmentSize: Int = 4 << 20) throws(SpoolError) {
    self.folder = folder
    self.limit = limit
    self.segmentSize = min(segmentSize, max(limit / 4, 1))
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw SpoolError("make the folder", folder, errno: errno) }
    let numbers = try Self.entries(of: folder).filter { $0.hasSuffix(".spool") }.compactMap { Int($0.dropLast(6)) }.sorted()
    let positions = try Self.positions(at: positionsPath)
    for number in numbers {
      let segment = try SpoolSegment(reading: number, folder: folder, from: positions[number] ?? 0)
      if segment.isDone { unlink(segment.path) } else { segments.append(segment) }
    }
  }

  var isEmpty: Bool { segments.isEmpty }
  var bytes: Int { segments.reduce(0) { $0 + $1.waiting } }
  var samples: Int { segments.reduce(0) { $0 + $1.samples } }

  /// Appends a block.
  /// - Returns: the number of samples dropped to stay within the limit.
  mutating func append(_ block: PushBlock) throws(SpoolError) -> Int {
    var dropped = 0
    while let oldest = segments.first, sizeOnDisk + SpoolSegment.headerSize + block.bytes.count > limit {
      dropped += oldest.samples
      removeFirst()
    }
    guard SpoolSegment.headerSize + block.bytes.count <= limit else { return dropped + block.samples }
    if segments.last.map({ $0.size >= segmentSize }) ?? true {
      segments.append(SpoolSegment(number: (segments.last?.number ?? Self.firstNumber) + 1, folder: folder))
    }
    try segments[segments.count - 1].append(block)
    return dropped
  }

  /// Inserts the blocks before all others.
  mutating func prepend(_ blocks: [PushBlock]) throws(SpoolError) {
    guard !blocks.isEmpty else { return }
    var segment = SpoolSegment(number: (segments.first?.number ?? Self.firstNumber) - 1, folder: folder)
    for block in blocks { try segment.append(block) }
    segments.insert(segment, at: 0)
  }

  /// Identifies a block. Positions are never reused.
  struct Position: Equatable, Sendable {
    fileprivate var segment: Int
    fileprivate var offset: Int
  }

  /// The oldest block; `nil` if the spool is empty. A damaged block is dropped together with the rest of its segment; `dropped` counts the
  /// samples.
  mutating func first(dropped: inout Int) throws(SpoolError) -> (block: PushBlock, position: Position)? {
    while let segment = segments.first {
      if let block = try segment.first() { return (block, Position(segment: segment.number, offset: segment.position)) }
      dropped += segment.samples
      removeFirst()
    }
    return nil
  }

  /// Removes the oldest block unless it has been dropped in the meantime.
  mutating func remove(_ block: PushBlock, at position: Position) throws(SpoolError) {
    guard let oldest = segments.first, position == Position(segment: oldest.number, offset: oldest.position) else { return }
    segments[0].remove(block)
    if segments[0].isDone { removeFirst() } else { try writePositions() }
  }

  private var sizeOnDisk: Int { segments.reduce(0) { $0 + $1.size } }

  private mutating func removeFirst() {
    let path = segments.removeFirst().path
    do throws(SpoolError) {
      // Before the file is deleted, since a new segment may get the same number.
      try writePositions()
    } catch {
      // Without positions some blocks are sent twice, but with a wrong position some would never be sent.
      unlink(positionsPath)
    }
    unlink(path)
  }

  private func writePositions() throws(SpoolError) {
    let text = segments.filter { $0.position > 0 }.map { "\($0.number) \($0.position)\n" }.joined()
    let file = try SpoolFile(positionsPath, .writing)
    try file.write(Array(text.utf8), at: 0)
    try file.truncate(to: text.utf8.count)
  }

  private static func positions(at path: String) throws(SpoolError) -> [Int: Int] {
    guard access(path, F_OK) == 0 else { return [:] }
    let text = String(decoding: try SpoolFile(path, .reading).read(at: 0, count: 4096), as: UTF8.self)
    return text.split(separator: "\n").reduce(into: [:]) { positions, line in
      let words = line.split(separator: " ")
      guard words.count == 2, let number = Int(words[0]), let position = Int(words[1]) else { return }
      positions[number] = position
    }
  }

  /// The names in a folder.
  static func entries(of folder: String) throws(SpoolError) -> [String] {
    guard let directory = opendir(folder) else { throw SpoolError("list", folder, errno: errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
