internal import CSnappy

/// The block format of Snappy, which remote write asks for; not its framing format.
///
/// Source: https://github.com/google/snappy/blob/main/format_description.txt
enum SnappyBlock {
  /// The bytes compressed, in an array of just that size: it may be kept for long. Snappy has no way to fail here: it is given as much room
  /// as the worst case takes.
  static func compress(_ bytes: borrowing Span<UInt8>) -> [UInt8] {
    bytes.withUnsafeBufferPointer { input in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: snappy_max_compressed_length(input.count)) { output in
        var count = output.count
        let status = snappy_compress(
          UnsafeRawPointer(input.baseAddress)?.assumingMemoryBound(to: CChar.self), input.count, output.baseAddress, &count)
        precondition(status == SNAPPY_OK, "snappy_compress failed with room for the worst case")
        return [UInt8](UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<count]))
      }
    }
  }

  /// What was compressed; `nil` where the bytes are no Snappy block, or say that they would become more than `limit` bytes.
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
}
