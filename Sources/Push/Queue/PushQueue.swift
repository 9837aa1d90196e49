/// A FIFO queue of blocks: the older ones in memory, and those that exceed the memory limit on disk behind them.
struct PushQueue: Sendable {
  private var memory: [PushBlock] = []
  private var memoryBytes = 0
  /// The number of blocks removed from memory, which identifies the first one.
  private var leftMemory: UInt64 = 0
  private let memoryLimit: Int
  private var spool: Spool?
  /// Samples lost to the limits or to errors of the disk.
  private(set) var dropped: UInt64 = 0
  /// The last error of the disk.
  private(set) var problem: SpoolError?

  /// - Parameters:
  ///   - memoryLimit: bytes; a single block may exceed it.
  ///   - spool: `nil` drops the oldest block in memory instead.
  init(memoryLimit: Int, spool: Spool?) {
    self.memoryLimit = memoryLimit
    self.spool = spool
  }

  var isEmpty: Bool { memory.isEmpty && spool?.isEmpty ?? true }
  var bytesInMemory: Int { memoryBytes }
  var bytesOnDisk: Int { spool?.bytes ?? 0 }
  var samples: Int { memory.reduce(spool?.samples ?? 0) { $0 + $1.samples } }

  mutating func append(_ block: PushBlock) {
    // Blocks on disk are older, so this one must queue behind them.
    let hasRoom = memory.isEmpty || memoryBytes + block.bytes.count <= memoryLimit
    if hasRoom, spool?.isEmpty ?? true { return remember(block) }
    if spool != nil {
      do throws(SpoolError) {
        dropped += UInt64(try spool?.append(block) ?? 0)
        problem = nil
        return
      } catch {
        problem = error
        // In memory it would be ahead of the blocks on disk, so it can only be dropped.
        if spool?.isEmpty == false {
          dropped += UInt64(block.samples)
          return
        }
      }
    }
    while !memory.isEmpty, memoryBytes + block.bytes.count > memoryLimit {
      dropped += UInt64(removeFirstInMemory().samples)
    }
    remember(block)
  }

  /// The oldest block, and its position in the queue.
  struct First: Sendable {
    var block: PushBlock
    fileprivate var position: Position

    fileprivate enum Position: Sendable {
      case memory(UInt64)
      case spool(Spool.Position)
    }
  }

  /// The oldest block, which stays in the queue until `remove`; `nil` if the queue is empty.
  mutating func first() -> First? {
    if let block = memory.first { return First(block: block, position: .memory(leftMemory)) }
    var lost = 0
    defer { dropped += UInt64(lost) }
    do throws(SpoolError) {
      return try spool?.first(dropped: &lost).map { First(block: $0.block, position: .spool($0.position)) }
    } catch {
      problem = error
      return nil
    }
  }

  /// Removes the block unless it has been dropped in the meantime.
  mutating func remove(_ first: First) {
    switch first.position {
    case .memory(let number):
      if number == leftMemory, !memory.isEmpty { removeFirstInMemory() }
    case .spool(let position):
      do throws(SpoolError) {
        try spool?.remove(first.block, at: position)
      } catch {
        problem = error
      }
    }
  }

  /// Moves the blocks in memory to the front of the spool, before the process ends or while the receiver is down.
  mutating func save() {
    do throws(SpoolError) {
      guard spool != nil else { return }
      try spool?.prepend(memory)
      leftMemory += UInt64(memory.count)
      memory = []
      memoryBytes = 0
    } catch {
      problem = error
    }
  }

  @discardableResult
  private mutating func removeFirstInMemory() -> PushBlock {
    let block = memory.removeFirst()
    memoryBytes -= block.bytes.count
    leftMemory += 1
    return block
  }

  private mutating func remember(_ block: PushBlock) {
    memory.append(block)
    memoryBytes += block.bytes.count
  }
}

/// The encoded body of one request.
struct PushBlock: Equatable, Sendable {
  var bytes: [UInt8]
  var samples: Int
  /// The timestamp of the newest sample, in milliseconds since 1970.
  var newest: Int64
}
