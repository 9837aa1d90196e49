// For whole texts that fit in memory twice.

private let bufferBytes = 64 << 10

/// The bytes as one gzip member. `nil` if memory allocation fails.
package func gzip(_ bytes: [UInt8], level: ZlibEncoder.Level = .balanced) -> [UInt8]? {
  guard var encoder = ZlibEncoder(level: level) else { return nil }
  var output: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: bufferBytes)
  bytes.withUnsafeBytes { chunk in
    encoder.encode(chunk, isLast: true) { write in
      let written = buffer.withUnsafeMutableBytes { write($0) }
      output += buffer[..<written]
    }
  }
  return output
}

/// The content of a gzip member. `nil` if the bytes do not begin with a whole gzip member, or if its content is larger than `limit`.
package func gunzip(_ bytes: [UInt8], atMost limit: Int) -> [UInt8]? {
  let decoder = ZlibDecoder()
  var output: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: bufferBytes)
  var offset = 0
  while decoder.status == .unfinished, output.count <= limit {
    let (read, written) = bytes.withUnsafeBytes { input in
      buffer.withUnsafeMutableBytes { decoder.decode(UnsafeRawBufferPointer(rebasing: input[offset...]), into: $0) }
    }
    // The input ends inside the member.
    if read == 0, written == 0 { break }
    offset += read
    output += buffer[..<written]
  }
  return decoder.status == .finished && output.count <= limit ? output : nil
}
