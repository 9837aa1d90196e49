import Controller
import Testing

@Suite struct TimeTextTests {
  @Test(arguments: [
    ("15s", Duration.seconds(15)), ("5m", .seconds(300)), ("1h30m", .seconds(5400)), ("250ms", .milliseconds(250)), ("1d", .seconds(86400)),
    ("1m500ms", .milliseconds(60500)), ("0", .zero), ("0s", .zero), ("90s", .seconds(90)),
  ])
  func `reads`(text: String, expected: Duration) {
    #expect(Duration(text: text) == expected)
  }

  @Test(arguments: ["", "15", "s", "-5s", "1.5s", "5m1h", "5s5s", "15 s", "15sec", "1e3s", "99999999999999999999s", "9223372036854775807d"])
  func `refuses`(text: String) {
    #expect(Duration(text: text) == nil)
  }

  @Test(arguments: ["15s", "5m", "1h30m", "250ms", "1d2h", "0s"]) func `writes what it reads`(text: String) throws {
    #expect(try #require(Duration(text: text)).text == text)
  }
}
