import Testing

@testable import KubeClient

@Suite struct TimestampTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2023-11-14T22:16:40Z", 1_700_000_200_000), ("2000-02-29T23:59:59Z", 951_868_799_000),
    ("1969-12-31T23:59:59Z", -1000), ("2023-11-14T22:16:40.123456Z", 1_700_000_200_123), ("2023-11-14T23:46:40.9+01:30", 1_700_000_200_900),
    ("2023-11-14T20:16:40-02:00", 1_700_000_200_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ("9999-12-31T23:59:59Z", 253_402_300_799_000), ("2100-03-01T00:00:00Z", 4_107_542_400_000),
  ])
  func `RFC 3339 is parsed`(_ text: String, _ milliseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.unixMilliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "2023", "2023-11-14", "2023-11-14T22:16:40", "2023-13-14T22:16:40Z", "2023-11-14T24:16:40Z", "2023-11-14T22:16:40.Z",
    "2023-11-14T22:16:40Zx", "2023-11-14 22:16:40Z", "+023-11-14T22:16:40Z", "2023-11-14T22:16:40+0100", "0000-01-01T00:00:00Z",
  ])
  func `other texts are refused`(_ text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test(arguments: [
    "1970-01-01T00:00:00.000000Z", "2023-11-14T22:16:40.000123Z", "2000-02-29T23:59:59.999999Z", "1969-12-31T23:59:59.500000Z",
    "2100-02-28T00:00:00.000000Z", "9999-12-31T23:59:59.000000Z",
  ])
  func `MicroTime is written as it was read`(_ text: String) {
    #expect(Timestamp(rfc3339: text)?.microTime == text)
  }

  @Test func `a timestamp from microseconds`() {
    #expect(Timestamp(unixMicroseconds: -1).microTime == "1969-12-31T23:59:59.999999Z")
    #expect(Timestamp(unixMicroseconds: 1_700_000_200_000_001).microTime == "2023-11-14T22:16:40.000001Z")
  }
}
