import Primitives
import Testing

struct IPAddressTests {
  @Test(arguments: [
    ("FD00:0::9", "fd00::9"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::FFFF:10.0.0.1", "::ffff:10.0.0.1"),
    ("10.0.0.1", "10.0.0.1"),
  ])
  func `addresses are equal in any notation, and are written in the canonical one`(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address == IPAddress(canonical))
    #expect(address.description == canonical)
  }

  @Test func `addresses are numbers`() {
    #expect(IPAddress(v4: 0x0a00_0001) == IPAddress("10.0.0.1"))
    #expect(IPAddress("10.0.0.1")?.v4 == 0x0a00_0001)
    #expect(IPAddress("10.0.0.1")?.v6 == nil)
    #expect(IPAddress(v6: (0xfd00_0000_0000_0000, 9)) == IPAddress("fd00::9"))
    #expect(IPAddress("fd00::9")?.v6?.low == 9)
    #expect(IPAddress("fd00::9")?.family == .ipv6)
    #expect(IPAddress(v4: 1) != IPAddress(v6: (0, 1)))
  }

  @Test(arguments: [
    "", "localhost", "10.0.0", "10.0.0.1.", "10.0.0.256", "010.0.0.1", "10.0.0.0/8", "fe80::1%eth0", "[::1]", "::g", "1::2::3",
    "10.0.0.1\0",
    "::1\0", String(repeating: "0", count: 60) + ":",
  ])
  func `other texts are not addresses`(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(
    arguments: [
      ("0.0.0.0", .unspecified), ("0.0.0.1", nil), ("127.0.0.1", .loopback), ("127.255.0.1", .loopback), ("126.0.0.1", nil),
      ("169.254.169.254", .linkLocal), ("169.253.0.1", nil), ("223.255.255.255", nil), ("224.0.0.1", .multicast),
      ("239.255.255.255", .multicast), ("240.0.0.1", nil), ("::", .unspecified), ("::1", .loopback), ("::2", nil), ("fe80::1", .linkLocal),
      ("febf::1", .linkLocal), ("fec0::1", nil), ("::ffff:10.0.0.1", .mapped), ("::fffe:10.0.0.1", nil), ("ff02::1", .multicast),
      ("fd00::1", nil),
    ] as [(String, IPAddress.Special?)])
  func `special ranges are recognized`(text: String, special: IPAddress.Special?) throws {
    #expect(try #require(IPAddress(text)).special == special)
  }
}
