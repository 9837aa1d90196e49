import Primitives
import Testing

struct FNV1aTests {
  /// Source of the hashes: http://www.isthe.com/chongo/src/fnv/test_fnv.c
  @Test(
    arguments: [
      ("", 0xcbf2_9ce4_8422_2325, 0x811c_9dc5), ("a", 0xaf63_dc4c_8601_ec8c, 0xe40c_292c), ("foobar", 0x8594_4171_f739_67e8, 0xbf9c_f968),
    ] as [(String, UInt64, UInt32)])
  func `texts have the published hashes`(text: String, hash64: UInt64, hash32: UInt32) {
    #expect(fnv1a(text.utf8) == hash64)
    #expect(fnv1a32(text.utf8) == hash32)
  }

  @Test func `a text can be hashed in parts`() {
    #expect(fnv1a("bar".utf8, after: fnv1a("foo".utf8)) == fnv1a("foobar".utf8))
  }
}

struct PartitioningIndexTests {
  @Test func `the first element of the second part is found`() {
    for count in 0...20 {
      for boundary in 0...count {
        #expect((0..<count).map(\.self).partitioningIndex { $0 >= boundary } == boundary)
      }
    }
    #expect([1, 3, 5, 7][1...].partitioningIndex { $0 > 4 } == 2)
  }
}
