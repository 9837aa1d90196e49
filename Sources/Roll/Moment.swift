/// A point on one process's own monotonic clock, in milliseconds. It says nothing about the time of day: ages are differences of
/// moments, so a wall clock that is set an hour back or forth neither opens nor closes a gap.
package struct Moment: Hashable, Comparable, Codable, Sendable {
  package var milliseconds: Int64

  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  package static func < (left: Moment, right: Moment) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// The moment `duration` later (earlier, if it is negative), cut to whole milliseconds.
  package static func + (moment: Moment, duration: Duration) -> Moment {
    Moment(milliseconds: moment.milliseconds + duration.wholeMilliseconds)
  }

  package static func - (moment: Moment, duration: Duration) -> Moment {
    Moment(milliseconds: moment.milliseconds - duration.wholeMilliseconds)
  }

  /// How much later `left` is than `right`; negative if it is earlier.
  package static func - (left: Moment, right: Moment) -> Duration {
    .milliseconds(left.milliseconds - right.milliseconds)
  }
}

extension Duration {
  /// Cut to whole milliseconds.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }

  /// As Prometheus counts time.
  package var seconds: Double {
    let (whole, attoseconds) = components
    return Double(whole) + Double(attoseconds) / 1e18
  }
}

/// One reading of both clocks. It turns moments into times of day, at the edge where the outside wants them.
package struct ClockReading: Hashable, Sendable {
  package var moment: Moment
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package var unixMilliseconds: Int64

  package init(moment: Moment, unixMilliseconds: Int64) {
    self.moment = moment
    self.unixMilliseconds = unixMilliseconds
  }

  /// The time of day of `other`, by the wall clock as it stands at this reading.
  package func unixMilliseconds(of other: Moment) -> Int64 {
    unixMilliseconds - (moment.milliseconds - other.milliseconds)
  }
}
