import Testing

@testable import Collector

@Suite struct PackedNumberTests {
  @Test(
    arguments: [
      "0", "1", "12", "123", "-1", "+1", "0.0625", "1.0494e+06", "-1.5e-300", "1795218028337", ".5", "5.", "NaN", "+Inf", "-Inf", "0x1p3",
      "1E5", String(repeating: "7", count: 1001), "0x" + String(repeating: "f", count: 70_000),
    ])
  func `a number is restored as it was written`(number: String) {
    let text = Array(number.utf8)
    var memory = [UInt8](repeating: 0xaa, count: 80_000)
    var offsets = (packed: 0, read: 0)
    memory.withUnsafeMutableBytes { memory in
      var output = ByteWriter(memory)
      text.withUnsafeBytes { PackedNumber.append($0, to: &output) }
      offsets.packed = output.count
      #expect(output.count == text.withUnsafeBytes { PackedNumber.byteCount(of: $0) })
    }
    var unpacked = [UInt8](repeating: 0, count: 80_000)
    let count = memory.withUnsafeBytes { memory in
      unpacked.withUnsafeMutableBytes { unpacked in
        var output = ByteWriter(unpacked)
        PackedNumber.unpack(memory, &offsets.read, into: &output)
        return output.count
      }
    }
    #expect(String(decoding: unpacked[..<count], as: UTF8.self) == number)
    #expect(offsets.read == offsets.packed)
  }

  @Test func `digits take half a byte`() {
    #expect(Array("1795218028337".utf8).withUnsafeBytes { PackedNumber.byteCount(of: $0) } == 7)
    #expect(Array("0".utf8).withUnsafeBytes { PackedNumber.byteCount(of: $0) } == 1)
  }
}
