import Testing

@testable import HTTPTransport

@Suite struct RetryAfterTests {
  /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
  private static let example: Int64 = 784_111_777

  @Test(arguments: [("0", 0), ("7", 7), ("120", 120)])
  func `R08: Retry-After in seconds`(_ header: String, _ expected: Int) {
    #expect(RetryAfter.delay(header, now: Self.example) == .seconds(expected))
  }

  @Test(
    arguments: ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
  func `R08: Retry-After as a date, in all three formats`(_ header: String) {
    #expect(RetryAfter.delay(header, now: Self.example - 90) == .seconds(90))
    #expect(RetryAfter.delay(header, now: Self.example + 90) == .zero)
  }

  @Test
  func `a two-digit year is within fifty years`() {
    let now: Int64 = 1_780_000_000  // 2026
    #expect(RetryAfter.delay("Friday, 29-May-26 20:26:50 GMT", now: now) == .seconds(86_410))
    #expect(RetryAfter.delay("Sunday, 06-Nov-94 08:49:37 GMT", now: now) == .zero)
  }

  @Test(
    arguments: [
      "", " ", "-5", "1.5", "soon", "7 s", "99999999999999999999", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
      "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 66 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 19941 08:49:37 GMT", "Sun, 06 Nov 1994", "-----", "٣",
    ])
  func `anything else is ignored`(_ header: String) {
    #expect(RetryAfter.delay(header, now: Self.example) == nil)
  }
}
