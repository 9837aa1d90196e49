/// A point on the process's monotonic clock, in milliseconds. Ages are differences of moments, so setting the wall clock neither opens
/// nor closes a gap.
package struct Moment: Hashable, Comparable, Codable, Sendable {
  package var milliseconds: Int64

  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  package static func < (left: Moment, right: Moment) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// Adds a duration, truncated to whole milliseconds.
  package static func + (moment: Moment, duration: Duration) -> Moment {
    Moment(milliseconds: moment.milliseconds + duration.wholeMilliseconds)
  }

  package static func - (moment: Moment, duration: Duration) -> Moment {
    Moment(milliseconds: moment.milliseconds - duration.wholeMilliseconds)
  }

  /// The time from `right` to `left`; negative if `left` is earlier.
  package static func - (left: Moment, right: Moment) -> Duration {
    .milliseconds(left.milliseconds - right.milliseconds)
  }
}

extension Duration {
  /// The duration in milliseconds, truncated towards zero.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }

  /// The duration in seconds, as in Prometheus metrics.
  package var seconds: Double {
    let (whole, attoseconds) = components
    return Double(whole) + Double(attoseconds) / 1e18
  }
}

/// A simultaneous reading of both clocks. Converts moments to wall-clock times for output.
package struct ClockReading: Hashable, Sendable {
  package var moment: Moment
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package var unixMilliseconds: Int64

  package init(moment: Moment, unixMilliseconds: Int64) {
    self.moment = moment
    self.unixMilliseconds = unixMilliseconds
  }

  /// The wall-clock time of `other`, by the wall clock at this reading.
  package func unixMilliseconds(of other: Moment) -> Int64 {
    unixMilliseconds - (moment.milliseconds - other.milliseconds)
  }
}
