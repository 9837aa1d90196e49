import Foundation
import Testing

@testable import Roll

struct MomentTests {
  let noon = Moment(milliseconds: 43_200_000)

  @Test func `durations are added and subtracted`() {
    #expect(noon + .seconds(1.5) == Moment(milliseconds: 43_201_500))
    #expect(noon - .seconds(2) == Moment(milliseconds: 43_198_000))
    #expect(noon + .seconds(-2) == noon - .seconds(2))
    #expect((noon + .seconds(90)) - noon == .seconds(90))
    #expect(noon - (noon + .milliseconds(1)) == .milliseconds(-1))
  }

  @Test func `durations are truncated to milliseconds`() {
    #expect(noon + .microseconds(1999) == noon + .milliseconds(1))
    #expect(noon + .microseconds(-1999) == noon - .milliseconds(1))
    #expect(Duration.nanoseconds(999_999).wholeMilliseconds == 0)
    #expect(Duration.seconds(-1).wholeMilliseconds == -1000)
    #expect(Duration.milliseconds(-1500).wholeMilliseconds == -1500)
  }

  @Test func `moments are ordered by time`() {
    #expect(noon < noon + .milliseconds(1))
    #expect(!(noon < noon))
    #expect([noon, noon - .seconds(1)].min() == noon - .seconds(1))
  }

  @Test func `durations are converted to seconds`() {
    #expect(Duration.milliseconds(1250).seconds == 1.25)
    #expect(Duration.milliseconds(-250).seconds == -0.25)
    #expect(Duration.zero.seconds == 0)
  }

  @Test func `a clock reading converts moments to wall-clock times`() {
    let reading = ClockReading(moment: noon, unixMilliseconds: 1_700_000_000_000)
    #expect(reading.unixMilliseconds(of: noon) == 1_700_000_000_000)
    #expect(reading.unixMilliseconds(of: noon - .seconds(5)) == 1_699_999_995_000)
    #expect(reading.unixMilliseconds(of: noon + .seconds(5)) == 1_700_000_005_000)
  }

  @Test func `a moment keeps its value as JSON`() throws {
    let read = try JSONDecoder().decode(Moment.self, from: JSONEncoder().encode(noon))
    #expect(read == noon)
  }
}
