import Primitives
import Testing

struct TimestampTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2023-11-14T22:16:40Z", 1_700_000_200_000), ("2000-02-29T23:59:59Z", 951_868_799_000),
    ("1969-12-31T23:59:59Z", -1000), ("2023-11-14T22:16:40.123456Z", 1_700_000_200_123), ("2023-11-14T23:46:40.9+01:30", 1_700_000_200_900),
    ("2023-11-14T20:16:40-02:00", 1_700_000_200_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ("9999-12-31T23:59:59Z", 253_402_300_799_000), ("2100-03-01T00:00:00Z", 4_107_542_400_000),
  ])
  func `reads RFC 3339`(_ text: String, _ milliseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.unixMilliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "2023", "2023-11-14", "2023-11-14T22:16:40", "2023-13-14T22:16:40Z", "2023-11-14T24:16:40Z", "2023-11-14T22:16:40.Z",
    "2023-11-14T22:16:40Zx", "2023-11-14 22:16:40Z", "+023-11-14T22:16:40Z", "2023-11-14T22:16:40+0100", "0000-01-01T00:00:00Z",
    "2023-02-31T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2023-04-31T00:00:00Z", "2023-01-00T00:00:00Z",
    "2023-11-14T22:16:60.",
  ])
  func `refuses other text and days that the calendar does not have`(_ text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test(arguments: [
    "1970-01-01T00:00:00.000000Z", "2023-11-14T22:16:40.000123Z", "2000-02-29T23:59:59.999999Z", "1969-12-31T23:59:59.500000Z",
    "2100-02-28T00:00:00.000000Z", "9999-12-31T23:59:59.000000Z",
  ])
  func `writes MicroTime as it was read`(_ text: String) {
    #expect(Timestamp(rfc3339: text)?.microTime == text)
  }

  @Test func `is made of microseconds and of milliseconds since 1970`() {
    #expect(Timestamp(unixMicroseconds: -1).microTime == "1969-12-31T23:59:59.999999Z")
    #expect(Timestamp(unixMicroseconds: 1_700_000_200_000_001).microTime == "2023-11-14T22:16:40.000001Z")
    #expect(Timestamp(unixMilliseconds: -1).rfc3339(fractionDigits: 3) == "1969-12-31T23:59:59.999Z")
    #expect(Timestamp(unixMilliseconds: .max).rfc3339(fractionDigits: 3) == "9999-12-31T23:59:59.000Z")
    #expect(Timestamp(unixMicroseconds: .min).microTime == "0001-01-01T00:00:00.000000Z")
    #expect(Timestamp(unixMilliseconds: 1_700_000_200_999).rfc3339() == "2023-11-14T22:16:40Z")
  }

  @Test(
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777_000),
      ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200_000),
      ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200_000), ("Mon, 01 Mar 2100 12:00:00 GMT", 4_107_585_600_000),
      ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun Nov  6 08:49:37 1994", nil), ("Sun, 06 Nov 1994 08:49:37 UTC", nil),
      ("Sun, 06 Foo 1994 08:49:37 GMT", nil), ("Sun, 32 Nov 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 24:00:00 GMT", nil),
      ("Sun, 06 Nov 1994 08:49 GMT", nil), ("Sun, 06 Nov 99999999999999999999 08:49:37 GMT", nil), ("", nil),
      ("Fri, 31 Feb 2025 08:49:37 GMT", nil), ("Sat, 06 Nov 1965 08:49:37 GMT", nil), ("Sun, 6 Nov 1994 08:49:37 GMT", 784_111_777_000),
    ] as [(String, Int64?)])
  func `reads the date of an HTTP header`(text: String, milliseconds: Int64?) {
    #expect(Timestamp(httpDate: text)?.unixMilliseconds == milliseconds)
  }
}
