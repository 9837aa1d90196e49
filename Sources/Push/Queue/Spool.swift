internal import Glibc

/// Blocks that wait on disk, the oldest first, in a folder of their own: a receiver that is down for an hour costs disk instead of memory,
/// and a restart goes on where it was.
///
/// Writing is not synced: what the machine's crash can cost is the last seconds, what ours costs is nothing.
struct Spool: Sendable {
  private let folder: String
  private let limit: Int
  private let segmentSize: Int
  private var segments: [SpoolSegment] = []

  /// Where reading stands, in a file beside the segments: for each segment that was begun, its number and the position, as text.
  private var positionsPath: String { "\(folder)/positions" }
  /// New segments count up from here, so that others can be put before them.
  private static let firstNumber = 1_000_000

  /// Opens the folder, which is made where there is none, with what an earlier process left in it.
  /// - Parameters:
  ///   - limit: bytes on disk; past it the oldest segment goes.
  ///   - segmentSize: bytes at which a segment is followed by the next.
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

  /// Puts the block behind all others.
  /// - Returns: how many samples had to go for it, the oldest ones.
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

  /// Puts the blocks before all others, in their order.
  mutating func prepend(_ blocks: [PushBlock]) throws(SpoolError) {
    guard !blocks.isEmpty else { return }
    var segment = SpoolSegment(number: (segments.first?.number ?? Self.firstNumber) - 1, folder: folder)
    for block in blocks { try segment.append(block) }
    segments.insert(segment, at: 0)
  }

  /// Where a block stands; it stands there once only.
  struct Place: Equatable, Sendable {
    fileprivate var segment: Int
    fileprivate var position: Int
  }

  /// The oldest block.
  /// - Returns: `nil` where there is none. Blocks that are damaged go with the rest of their segment, and are counted into `dropped`.
  mutating func first(dropped: inout Int) throws(SpoolError) -> (block: PushBlock, place: Place)? {
    while let segment = segments.first {
      if let block = try segment.first() { return (block, Place(segment: segment.number, position: segment.position)) }
      dropped += segment.samples
      removeFirst()
    }
    return nil
  }

  /// Removes the oldest block, if it still is the one at that place: it may have had to go meanwhile.
  mutating func takeOut(_ block: PushBlock, at place: Place) throws(SpoolError) {
    guard let oldest = segments.first, place == Place(segment: oldest.number, position: oldest.position) else { return }
    segments[0].takeOut(block)
    if segments[0].isDone { removeFirst() } else { try notePositions() }
  }

  private var sizeOnDisk: Int { segments.reduce(0) { $0 + $1.size } }

  private mutating func removeFirst() {
    let path = segments.removeFirst().path
    do throws(SpoolError) {
      // Before the file goes: its number may be given again, to a segment that is read from the beginning.
      try notePositions()
    } catch {
      // Without positions some blocks are sent twice, with a wrong one some never.
      unlink(positionsPath)
    }
    unlink(path)
  }

  private func notePositions() throws(SpoolError) {
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
