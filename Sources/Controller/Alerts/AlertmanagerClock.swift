import Roll

/// The wall clock of one Alertmanager: the `Date` of its responses, carried on by our monotonic clock.
///
/// Alertmanager compares the times in alerts with its own clock, so times by ours are not enough: if our wall clock is an hour slow, an
/// open gap is sent as an alert that ended long ago, and if it is set back, alerts end before they start, which Alertmanager refuses. Here
/// every time comes from the same reading, so an alert never ends before it starts.
struct AlertmanagerClock {
  /// A time that is late by less than this is good enough: a start that is a little early does no harm.
  private static let tolerance: Int64 = 2000

  private var reading: ClockReading

  /// - Parameter reading: our own clocks, until the first response.
  init(_ reading: ClockReading) {
    self.reading = reading
  }

  func unixMilliseconds(of moment: Moment) -> Int64 { reading.unixMilliseconds(of: moment) }

  /// Sets the clock if it disagrees with a response.
  /// - Parameters:
  ///   - date: when the response was made, truncated to whole seconds, in milliseconds since 1970.
  ///   - sent: when the request was sent.
  ///   - received: when the response was received.
  /// - Returns: by how much the clock was wrong, forwards or back.
  mutating func correct(date: Int64, sent: Moment, received: Moment) -> Duration {
    let (earliest, latest) = (unixMilliseconds(of: sent), unixMilliseconds(of: received))
    guard earliest > date + 1000 || latest + Self.tolerance < date else { return .zero }
    // Never ahead, so that an alert that has ended has also ended by Alertmanager's clock.
    reading = ClockReading(moment: received, unixMilliseconds: date)
    return .milliseconds(abs(date - latest))
  }
}
