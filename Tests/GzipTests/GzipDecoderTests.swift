import Foundation
import Gzip
import GzipZlib
import Testing

struct GzipDecoderTests {
  /// Some pages of text, and bytes that do not compress.
  private static let samples: [[UInt8]] = [
    [], Array("x".utf8), Array(String(repeating: "container_cpu_usage_seconds_total{pod=\"web\"} 1.5 1700000000000\n", count: 3000).utf8),
    (0..<200_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11) },
  ]

  /// Splits the input into pieces and decodes each into an output of this size. `nil` if it is malformed or ends within a member.
  private func decoded(_ bytes: [UInt8], piece: Int, room: Int, with decoder: GzipDecoder) -> [UInt8]? {
    decoder.reset()
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: room)
    for start in stride(from: 0, to: bytes.count, by: piece) {
      let failed = bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { input in
        var input = input
        var count = 0
        repeat {
          guard let made = try? buffer.withUnsafeMutableBytes({ try decoder.decode(&input, into: $0) }) else { return true }
          count = made
          output += buffer[..<count]
        } while count == room
        return !input.isEmpty
      }
      if failed { return nil }
    }
    return decoder.isBetweenMembers ? output : nil
  }

  @Test(arguments: [1, 7, 4096, 1 << 20], [1, 100, 65_536])
  func `R141: what zlib has compressed is read, however input and output are split`(piece: Int, room: Int) throws {
    let decoder = try #require(GzipDecoder())
    for sample in Self.samples where sample.count / piece < 10_000 && sample.count / room < 10_000 {
      for level in [ZlibEncoder.Level.fastest, .balanced] {
        let packed = try #require(gzip(sample, level: level))
        #expect(decoded(packed, piece: piece, room: room, with: decoder) == sample)
      }
    }
  }

  @Test(arguments: [1, 5, 1 << 20])
  func `R141: several members are one body, and what is no member is an error`(piece: Int) throws {
    let decoder = try #require(GzipDecoder())
    let (first, second) = (Array("first\n".utf8), Self.samples[2])
    let members = try #require(gzip(first)) + #require(gzip([])) + #require(gzip(second))
    #expect(decoded(members, piece: piece, room: 4096, with: decoder) == first + second)
    for garbage in [[0], [0x1f, 0x8b, 7], Array("more".utf8)] as [[UInt8]] {
      #expect(decoded(members + garbage, piece: piece, room: 4096, with: decoder) == nil, "\(garbage)")
    }
    #expect(decoded(Array("this is not gzip at all".utf8), piece: piece, room: 4096, with: decoder) == nil)
  }

  @Test func `R141: bytes that are cut or damaged are an error`() throws {
    let decoder = try #require(GzipDecoder())
    let packed = try #require(gzip(Array("a text, a text, a text".utf8)))
    for length in 1..<packed.count { #expect(decoded(Array(packed[..<length]), piece: 3, room: 64, with: decoder) == nil, "\(length)") }
    // The last eight bytes are checksum and length.
    for index in packed.count - 8..<packed.count {
      var damaged = packed
      damaged[index] ^= 1
      #expect(decoded(damaged, piece: 1000, room: 64, with: decoder) == nil)
    }
    #expect(decoded(packed, piece: 1000, room: 64, with: decoder) == Array("a text, a text, a text".utf8), "after errors")
  }

  @Test func `R141: the optional parts of a header are skipped, also byte by byte`() throws {
    let decoder = try #require(GzipDecoder())
    let text = Array("text".utf8)
    let plain = try #require(gzip(text))
    // FEXTRA of three bytes, FNAME and FCOMMENT, in the order of RFC 1952.
    let header: [UInt8] = [0x1f, 0x8b, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 255, 3, 0, 1, 2, 3] + Array("name\0comment\0".utf8)
    for piece in [1, 1000] { #expect(decoded(header + plain[10...], piece: piece, room: 10, with: decoder) == text) }
  }

  @Test(arguments: [1, 1000, 1 << 20])
  func `R141: the header of a member may have 64 KiB`(piece: Int) throws {
    let decoder = try #require(GzipDecoder())
    let text = Array("text".utf8)
    let plain = try #require(gzip(text))
    func member(headerBytes: Int) -> [UInt8] {
      // FNAME, which ends with a zero.
      [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255] + [UInt8](repeating: 120, count: headerBytes - 11) + [0] + plain[10...]
    }
    let longest = member(headerBytes: 65_536)
    // The limit is one of each header.
    #expect(decoded(longest + longest, piece: piece, room: 10, with: decoder) == text + text)
    let tooLong = member(headerBytes: 65_537)
    #expect(decoded(tooLong, piece: piece, room: 10, with: decoder) == nil)
    decoder.reset()
    var buffer = [UInt8](repeating: 0, count: 10)
    let error = #expect(throws: GzipDecoder.Malformed.self) {
      try tooLong.withUnsafeBytes { bytes in
        var input = bytes
        _ = try buffer.withUnsafeMutableBytes { try decoder.decode(&input, into: $0) }
      }
    }
    #expect(error?.hasLongHeader == true)
  }

  @Test func `R141: the output of one call is bounded, whatever the input expands to`() throws {
    let decoder = try #require(GzipDecoder())
    let packed = try #require(gzip([UInt8](repeating: 0, count: 50 << 20)))
    var buffer = [UInt8](repeating: 1, count: 4096)
    var total = 0
    try packed.withUnsafeBytes { input in
      var input = input
      while true {
        let count = try buffer.withUnsafeMutableBytes { try decoder.decode(&input, into: $0) }
        total += count
        if count < buffer.count { break }
      }
    }
    #expect(total == 50 << 20 && decoder.isBetweenMembers)
  }
}
