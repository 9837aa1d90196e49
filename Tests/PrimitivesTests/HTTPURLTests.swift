import Primitives
import Testing

@Suite struct HTTPURLTests {
  @Test(
    arguments: [
      ("http://am:9093", "am", 9093, ""), ("HTTPS://am.example.", "am.example.", 443, ""),
      ("http://[fd00::1]:80/a?b#c", "fd00::1", 80, "/a?b#c"),
      ("https://user:p@ss@10.0.0.1/prefix", "10.0.0.1", 443, "/prefix"), ("http://h?q", "h", 80, "?q"), ("http://[::1]", "::1", 80, ""),
    ])
  func `a URL is split into its parts`(text: String, host: String, port: Int, rest: String) throws {
    let url = try #require(HTTPURL(text))
    #expect(url.host == host && url.port == port && url.rest == rest)
  }

  @Test func `user information ends at the last @ of the authority`() {
    #expect(HTTPURL("https://user:p@ss@h/x@y")?.userInformation == "user:p@ss")
    #expect(HTTPURL("https://h/x@y")?.userInformation == nil)
    #expect(withoutUserInformation("https://user:p@ss@h/x@y") == "https://h/x@y")
    #expect(withoutUserInformation("user:p@h") == "h", "malformed")
  }

  @Test(
    arguments: [
      "", "am:9093", "ftp://h", "http://", "http:///x", "http://h:0", "http://h:65536", "http://h:x", "http://fd00::1", "http://[h]",
      "http://[::1",
      "http://[::1]x", "http://a b", "http://h:", "http://-h", "http://a..b",
    ])
  func `what is no URL of a host is refused`(text: String) {
    #expect(HTTPURL(text) == nil)
  }

  @Test func `loopback needs no encryption`() throws {
    #expect(try #require(HTTPURL("http://example.com")).isPlain)
    for text in ["https://example.com", "http://127.0.0.1:9", "http://localhost", "http://[::1]"] {
      #expect(try !#require(HTTPURL(text)).isPlain, "\(text)")
    }
  }
}
