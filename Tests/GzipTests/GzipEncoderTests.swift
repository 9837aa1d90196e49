import Foundation
import Testing

@testable import Gzip

@Suite struct GzipEncoderTests {
  @Test(arguments: [[0], [1], [5, 0, 7], [300_000, 1, 64 << 10], [1 << 20]])
  func whatGzipUnpacksIsWhatWasGiven(chunkSizes: [Int]) throws {
    var plain: [UInt8] = []
    var packed: [UInt8] = []
    guard var encoder = GzipEncoder() else {
      Issue.record("no memory")
      return
    }
    for (index, size) in chunkSizes.enumerated() {
      // Compressible, but not so well that the output would be one block.
      let chunk = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7 ^ $0 / 31 &* index) }
      plain += chunk
      chunk.withUnsafeBytes { encoder.encode($0, isLast: index == chunkSizes.count - 1, into: &packed) }
    }
    #expect(try unpacked(packed) == plain)
  }

  /// By the gzip program, which is another implementation, and refuses wrong lengths and checksums.
  private func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
    let file = FileManager.default.temporaryDirectory.appending(path: "rollcall-gzip-\(UUID().uuidString).gz")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(bytes).write(to: file)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["gzip", "-dc", file.path()]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let plain = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return Array(plain)
  }
}
