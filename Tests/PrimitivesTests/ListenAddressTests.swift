import Primitives
import Testing

struct ListenAddressTests {
  @Test(arguments: [
    ("127.0.0.1:9750", "127.0.0.1", 9750), ("[::]:0", "::", 0), ("localhost:65535", "localhost", 65535), (":9750", "", 9750),
    ("a-host.example:80", "a-host.example", 80),
  ])
  func `a host and a port are read`(text: String, host: String, port: Int) {
    #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
  }

  @Test(arguments: [
    "", "9750", "host", "host:", "host:65536", "host:-1", "::1:9750", "[localhost]:80", "a b:80", "-a:80", "a..b:80", "a/b:80",
  ])
  func `anything else is refused`(text: String) {
    #expect(ListenAddress(text) == nil)
  }

  @Test func `an IPv6 address is written in brackets`() {
    #expect("\(ListenAddress(host: "::1", port: 9750))" == "[::1]:9750")
    #expect("\(ListenAddress(host: "127.0.0.1", port: 9750))" == "127.0.0.1:9750")
  }

  @Test func `R76: all addresses are those of both families, or of IPv4 where the kernel has no IPv6`() {
    let all = ListenAddress(host: "", port: 9750)
    #expect("\(all)" == ":9750")
    #expect(all.hostToBind(hasIPv6: { true }) == "::")
    #expect(all.hostToBind(hasIPv6: { false }) == "0.0.0.0")
  }

  @Test(arguments: ["0.0.0.0", "::", "127.0.0.1", "localhost"])
  func `R76: a host that is given is bound as it is`(host: String) {
    for hasIPv6 in [true, false] {
      #expect(ListenAddress(host: host, port: 1).hostToBind(hasIPv6: { hasIPv6 }) == host)
    }
  }

  @Test func `an authority has a host and a port that is not 0`() {
    #expect(isAuthority("[::1]:80") && isAuthority("host:80"))
    #expect(!isAuthority(":80") && !isAuthority("host:0") && !isAuthority("user@host:80"))
  }
}
