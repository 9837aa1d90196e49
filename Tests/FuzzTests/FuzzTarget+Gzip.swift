import Gzip
import GzipZlib

extension FuzzTarget {
  /// What is decompressed does not depend on how input and output are split, and is what zlib makes of it. The first two bytes choose the
  /// sizes of the pieces.
  func gzip(_ input: [UInt8]) -> String? {
    guard input.count > 2 else { return nil }
    let body = Array(input.dropFirst(2))
    let whole = decompressed(body, piece: body.count, room: 1 << 16)
    let pieces = decompressed(body, piece: Int(input[0] % 32) + 1, room: Int(input[1]) + 1)
    guard whole == pieces else { return "the text depends on how the stream is split" }
    // zlib reads one member, whatever follows it.
    guard let first = gunzip(body, atMost: Self.gzipLimit), let whole else { return nil }
    return whole.starts(with: first) ? nil : "zlib reads another text"
  }

  private static let gzipLimit = 1 << 20

  /// `nil` if it is malformed, ends within a member or is too large.
  private func decompressed(_ body: [UInt8], piece: Int, room: Int) -> [UInt8]? {
    guard let decoder = GzipDecoder() else { return nil }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: room)
    for start in stride(from: 0, to: body.count, by: piece) {
      let isRead = body[start..<min(start + piece, body.count)].withUnsafeBytes { input in
        var input = input
        var count = 0
        repeat {
          guard output.count <= Self.gzipLimit,
            let made = try? buffer.withUnsafeMutableBytes({ try decoder.decode(&input, into: $0) })
          else { return false }
          count = made
          output += buffer[..<count]
        } while count == room
        return input.isEmpty
      }
      if !isRead { return nil }
    }
    return decoder.isBetweenMembers && output.count <= Self.gzipLimit ? output : nil
  }
}
