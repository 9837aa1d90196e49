import Foundation
import Primitives
import TestSupport
import Testing

@testable import Push

@Suite struct SpoolTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func block(_ number: Int, size: Int = 10) -> PushBlock {
    PushBlock(
      bytes: Array("\(number) ".utf8) + Array(repeating: UInt8(truncatingIfNeeded: number), count: size), samples: number + 1,
      newest: Int64(number))
  }

  private func takeAll(_ spool: inout Spool) throws -> [PushBlock] {
    var dropped = 0
    var blocks: [PushBlock] = []
    while let first = try spool.first(dropped: &dropped) {
      blocks.append(first.block)
      try spool.remove(first.block, at: first.position)
    }
    #expect(dropped == 0)
    return blocks
  }

  @Test func `R66: a restart continues at the spool's position`() throws {
    var spool = try Spool(folder: folder.path, limit: 1 << 20, segmentSize: 100)
    for number in 0..<20 { #expect(try spool.append(block(number)) == 0) }
    var dropped = 0
    for _ in 0..<7 {
      let first = try #require(try spool.first(dropped: &dropped))
      try spool.remove(first.block, at: first.position)
    }
    var again = try Spool(folder: folder.path, limit: 1 << 20, segmentSize: 100)
    #expect(again.samples == (7..<20).reduce(0) { $0 + $1 + 1 })
    #expect(again.bytes == spool.bytes)
    #expect(try takeAll(&again) == (7..<20).map { block($0) })
    #expect(again.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".spool") } == [])
  }

  @Test func `R66: the position of a deleted segment does not apply to a new one with its number`() throws {
    var spool = try Spool(folder: folder.path, limit: 1 << 20)
    for number in 0..<3 { _ = try spool.append(block(number)) }
    #expect(try takeAll(&spool).count == 3)
    for number in 3..<6 { _ = try spool.append(block(number)) }
    var again = try Spool(folder: folder.path, limit: 1 << 20)
    #expect(try takeAll(&again) == (3..<6).map { block($0) })
  }

  @Test func `R66: beyond the limit the oldest blocks are dropped and counted`() throws {
    var spool = try Spool(folder: folder.path, limit: 1000, segmentSize: 100)
    var dropped = 0
    for number in 0..<100 { dropped += try spool.append(block(number, size: 50)) }
    let left = try takeAll(&spool)
    #expect(left.last == block(99, size: 50))
    #expect(left == (100 - left.count..<100).map { block($0, size: 50) })
    #expect(left.count > 5)
    #expect(dropped + left.reduce(0) { $0 + $1.samples } == (0..<100).reduce(0) { $0 + $1 + 1 })
  }

  @Test func `removing a block that was dropped while in flight removes no other`() throws {
    var spool = try Spool(folder: folder.path, limit: 400, segmentSize: 100)
    _ = try spool.append(block(0, size: 50))
    var dropped = 0
    let first = try #require(try spool.first(dropped: &dropped))
    for number in 1..<20 { _ = try spool.append(block(number, size: 50)) }
    let before = spool.samples
    try spool.remove(first.block, at: first.position)
    #expect(spool.samples == before)
  }

  @Test func `prepended blocks come before those on disk`() throws {
    var spool = try Spool(folder: folder.path, limit: 1 << 20)
    for number in 5..<8 { _ = try spool.append(block(number)) }
    var dropped = 0
    let first = try #require(try spool.first(dropped: &dropped))
    try spool.remove(first.block, at: first.position)
    try spool.prepend([block(1), block(2)])
    var again = try Spool(folder: folder.path, limit: 1 << 20)
    #expect(try takeAll(&again) == [block(1), block(2), block(6), block(7)])
  }

  @Test(arguments: [1, 15, 17, 30]) func `a block cut off by a crash is skipped and overwritten`(missing: Int) throws {
    var spool = try Spool(folder: folder.path, limit: 1 << 20)
    for number in 0..<3 { _ = try spool.append(block(number, size: 20)) }
    let file = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasSuffix(".spool") })
    let path = "\(folder.path)/\(file)"
    let content = try Data(contentsOf: URL(fileURLWithPath: path))
    try content.dropLast(missing).write(to: URL(fileURLWithPath: path))
    var again = try Spool(folder: folder.path, limit: 1 << 20)
    _ = try again.append(block(9, size: 20))
    #expect(try takeAll(&again) == [block(0, size: 20), block(1, size: 20), block(9, size: 20)])
  }

  @Test func `a damaged block is dropped with the rest of its segment and counted`() throws {
    var spool = try Spool(folder: folder.path, limit: 1 << 20, segmentSize: 150)
    for number in 0..<6 { _ = try spool.append(block(number, size: 40)) }
    let file = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".spool") }.sorted().first)
    let path = "\(folder.path)/\(file)"
    var content = try Data(contentsOf: URL(fileURLWithPath: path))
    content[content.startIndex + 30] ^= 1
    try content.write(to: URL(fileURLWithPath: path))
    var again = try Spool(folder: folder.path, limit: 1 << 20, segmentSize: 150)
    var dropped = 0
    let first = try #require(try again.first(dropped: &dropped))
    #expect(dropped == 1 + 2 + 3)
    #expect(first.block == block(3, size: 40))
  }

  @Test func `an error names a folder that cannot be created`() {
    #expect { try Spool(folder: "/proc/none/spool", limit: 10) } throws: { error in
      "\(error)".contains("/proc/none/spool")
    }
  }

  @Test(arguments: 0..<20) func `a queue in memory and on disk keeps its order and count`(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let base = "\(folder.path)/\(seed)"
    var queue = PushQueue(memoryLimit: 60, spool: try Spool(folder: base, limit: 1 << 20, segmentSize: 80))
    var expected: [PushBlock] = []
    // Even seeds let the queue grow, odd ones empty it now and then.
    let fillings = seed.isMultiple(of: 2) ? 6 : 4
    for number in 0..<200 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<fillings:
        let one = block(number, size: Int.random(in: 1...40, using: &random))
        queue.append(one)
        expected.append(one)
      case fillings..<9:
        let first = queue.first()
        #expect(first?.block == expected.first)
        if let first {
          queue.remove(first)
          expected.removeFirst()
        }
      default:
        queue.save()
        queue = PushQueue(memoryLimit: 60, spool: try Spool(folder: base, limit: 1 << 20, segmentSize: 80))
      }
      #expect(queue.samples == expected.reduce(0) { $0 + $1.samples })
    }
    #expect(queue.dropped == 0)
    #expect(queue.problem == nil)
  }

  @Test func `without a spool memory keeps the newest blocks`() {
    var queue = PushQueue(memoryLimit: 100, spool: nil)
    for number in 0..<10 { queue.append(block(number, size: 28)) }
    #expect(queue.first()?.block == block(7, size: 28))
    #expect(queue.dropped == (0..<7).reduce(0) { $0 + UInt64($1) + 1 })
  }
}
