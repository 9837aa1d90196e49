internal import FoundationEssentials

extension Timestamp {
  /// The system's time of day, which may jump: only for moments that others set.
  static var now: Timestamp {
    Timestamp(unixMicroseconds: Int64((Date().timeIntervalSince1970 * 1_000_000).rounded(.down)))
  }
}
