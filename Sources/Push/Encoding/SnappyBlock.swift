internal import CSnappy

/// Snappy's block format, which remote write requires, as opposed to its framing format.
///
/// Source: https://github.com/google/snappy/blob/main/format_description.txt
enum SnappyBlock {
  /// Compresses the bytes into an array of exact size, which may be kept for long. Cannot fail, since the buffer is sized for the worst
  /// case.
  static func compress(_ bytes: borrowing Span<UInt8>) -> [UInt8] {
    bytes.withUnsafeBufferPointer { input in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: snappy_max_compressed_length(input.count)) { output in
        var count = output.count
        let status = snappy_compress(
          UnsafeRawPointer(input.baseAddress)?.assumingMemoryBound(to: CChar.self), input.count, output.baseAddress, &count)
        precondition(status == SNAPPY_OK, "snappy_compress failed with a buffer for the worst case")
        return [UInt8](UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<count]))
      }
    }
  }

  /// Uncompresses a block; `nil` if it is malformed or its announced length exceeds `limit`.
  static func uncompress(_ bytes: borrowing Span<UInt8>, limit: Int) -> [UInt8]? {
    bytes.withUnsafeBufferPointer { input in
      let start = UnsafeRawPointer(input.baseAddress)?.assumingMemoryBound(to: CChar.self)
      var length = 0
      guard snappy_uncompressed_length(start, input.count, &length) == SNAPPY_OK, length <= limit else { return nil }
      var status = SNAPPY_OK
      let result = [UInt8](unsafeUninitializedCapacity: length) { output, count in
        count = output.count
        status = snappy_uncompress(
          start, input.count, UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self), &count)
        if status != SNAPPY_OK { count = 0 }
      }
      return status == SNAPPY_OK ? result : nil
    }
  }

  /// The first byte of what was compressed, without the work of the rest; `nil` if there is none.
  static func firstByte(of bytes: [UInt8]) -> UInt8? {
    // The length as a varint, then a literal: its tag has its length in the upper six bits, or, from 60 on, how many bytes have it.
    guard let tag = bytes.firstIndex(where: { $0 < 0x80 }).map({ $0 + 1 }), tag < bytes.count, bytes[tag] & 3 == 0 else { return nil }
    let first = tag + 1 + max(0, Int(bytes[tag] >> 2) - 59)
    return first < bytes.count ? bytes[first] : nil
  }
}
