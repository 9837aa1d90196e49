import Foundation
import Gzip
import GzipZlib
import TestSupport
import Testing

struct GzipEncoderTests {
  enum Encoder: CaseIterable { case isal, zlibFastest, zlibBalanced }

  /// Compressible, but not so well that the output would be one block.
  private static let sample = (0..<1 << 19).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7 ^ $0 / 31 &* 5) }

  @Test(arguments: Encoder.allCases, [[0], [1], [5, 0, 7], [300_000, 1, 64 << 10], [1 << 19]])
  func `gzip and gunzip unpack what was compressed, in chunks of any size`(encoder: Encoder, chunkSizes: [Int]) throws {
    let chunks = chunkSizes.map { Array(Self.sample[..<$0]) }
    let compressed =
      switch encoder {
      case .isal: packedByISAL(chunks)
      case .zlibFastest: packedByZlib(chunks, .fastest)
      case .zlibBalanced: packedByZlib(chunks, .balanced)
      }
    let packed = try #require(compressed)
    let plain = Array(chunks.joined())
    #expect(try unpackedByProgram(packed) == plain)
    #expect(gunzip(packed, atMost: plain.count) == plain)
  }

  @Test func `a text is compressed as a whole`() throws {
    let text = Array(String(repeating: "rollcall_container_gap{namespace=\"shop\"} 1\n", count: 20_000).utf8)
    let packed = try #require(gzip(text))
    #expect(packed.count < text.count / 50)
    #expect(gunzip(packed, atMost: text.count) == text)
    #expect(gunzip(packed, atMost: text.count - 1) == nil)
    #expect(gunzip(try #require(gzip([])), atMost: 0) == [])
  }

  @Test func `bytes that are not a whole gzip member are refused`() throws {
    let packed = try #require(gzip(Array("a text".utf8)))
    #expect(gunzip([], atMost: 100) == nil)
    #expect(gunzip(Array("a text".utf8), atMost: 100) == nil)
    for length in 0..<packed.count { #expect(gunzip(Array(packed[..<length]), atMost: 100) == nil) }
    var damaged = packed
    damaged[packed.count - 5] ^= 1  // the last byte of the checksum
    #expect(gunzip(damaged, atMost: 100) == nil)
  }

  private func packedByISAL(_ chunks: [[UInt8]]) -> [UInt8]? {
    guard var encoder = GzipEncoder() else { return nil }
    var packed: [UInt8] = []
    for (index, chunk) in chunks.enumerated() {
      chunk.withUnsafeBytes { encoder.encode($0, isLast: index == chunks.count - 1, into: &packed) }
    }
    return packed
  }

  private func packedByZlib(_ chunks: [[UInt8]], _ level: ZlibEncoder.Level) -> [UInt8]? {
    guard var encoder = ZlibEncoder(level: level) else { return nil }
    var packed: [UInt8] = []
    for (index, chunk) in chunks.enumerated() {
      chunk.withUnsafeBytes { chunk in
        encoder.encode(chunk, isLast: index == chunks.count - 1) { write in
          var output = [UInt8](repeating: 0, count: 5000)
          let written = output.withUnsafeMutableBytes { write($0) }
          packed += output[..<written]
        }
      }
    }
    return packed
  }

  /// By the gzip program: another implementation, which checks the length and the checksum.
  private func unpackedByProgram(_ bytes: [UInt8]) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let packed = "\(folder.path)/packed.gz"
    let plain = "\(folder.path)/plain"
    try Data(bytes).write(to: URL(filePath: packed))
    #expect(
      try SpawnedProcess(try requireProgram("gzip"), ["-dc", packed], outputPath: plain, errorPath: "\(folder.path)/log").wait() == 0)
    return Array(try Data(contentsOf: URL(filePath: plain)))
  }
}
