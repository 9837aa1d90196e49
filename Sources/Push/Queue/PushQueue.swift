/// Blocks that wait for a receiver, in order: first in memory, and what memory has no room for on disk behind it.
struct PushQueue: Sendable {
  private var memory: [PushBlock] = []
  private var memoryBytes = 0
  /// How many blocks have left memory: tells the first one from those that had its place before.
  private var leftMemory: UInt64 = 0
  private let memoryLimit: Int
  private var spool: Spool?
  /// Samples that had to go.
  private(set) var dropped: UInt64 = 0
  /// Why the disk could not be used the last time.
  private(set) var problem: SpoolError?

  /// - Parameters:
  ///   - memoryLimit: bytes; one block is held whatever its size.
  ///   - spool: `nil` to drop the oldest block in memory instead.
  init(memoryLimit: Int, spool: Spool?) {
    self.memoryLimit = memoryLimit
    self.spool = spool
  }

  var isEmpty: Bool { memory.isEmpty && spool?.isEmpty ?? true }
  var bytesInMemory: Int { memoryBytes }
  var bytesOnDisk: Int { spool?.bytes ?? 0 }
  var samples: Int { memory.reduce(spool?.samples ?? 0) { $0 + $1.samples } }

  mutating func append(_ block: PushBlock) {
    // What is on disk is older than this block, so this one has to queue behind it.
    let hasRoom = memory.isEmpty || memoryBytes + block.bytes.count <= memoryLimit
    if hasRoom, spool?.isEmpty ?? true { return remember(block) }
    if spool != nil {
      do throws(SpoolError) {
        dropped += UInt64(try spool?.append(block) ?? 0)
        problem = nil
        return
      } catch {
        problem = error
        // Behind what is on disk it would be out of order; without a disk that works there is nothing else to do than to let it go.
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

  /// A block that is being sent, and where it waits meanwhile.
  struct First: Sendable {
    var block: PushBlock
    fileprivate var place: Place

    fileprivate enum Place: Sendable {
      case memory(UInt64)
      case spool(Spool.Place)
    }
  }

  /// The oldest block; `nil` where nothing waits. It stays until `takeOut`.
  mutating func first() -> First? {
    if let block = memory.first { return First(block: block, place: .memory(leftMemory)) }
    var lost = 0
    defer { dropped += UInt64(lost) }
    do throws(SpoolError) {
      return try spool?.first(dropped: &lost).map { First(block: $0.block, place: .spool($0.place)) }
    } catch {
      problem = error
      return nil
    }
  }

  /// Removes the block that `first` gave, if it has not had to go meanwhile.
  mutating func takeOut(_ first: First) {
    switch first.place {
    case .memory(let number):
      if number == leftMemory, !memory.isEmpty { removeFirstInMemory() }
    case .spool(let place):
      do throws(SpoolError) {
        try spool?.takeOut(first.block, at: place)
      } catch {
        problem = error
      }
    }
  }

  /// Puts what is in memory on disk, before what is there: it may be long until it can be sent, or the process is about to end.
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
