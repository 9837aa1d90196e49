import FoundationEssentials
import JSON

/// Ages as `kubectl` prints them. Source: k8s.io/apimachinery/pkg/util/duration.
enum Age {
  /// The age of what began at an RFC 3339 time.
  static func text(since time: JSONValue?, now: Date) -> String {
    guard let date = date(time) else { return "<unknown>" }
    return text(seconds: Int(now.timeIntervalSince(date).rounded(.down)))
  }

  static func date(_ time: JSONValue?) -> Date? {
    guard let text = time?.string, !text.isEmpty else { return nil }
    let style = text.contains(".") ? Date.ISO8601FormatStyle(includingFractionalSeconds: true) : Date.ISO8601FormatStyle()
    return try? style.parse(text)
  }

  /// Two units at most, the finer one only while it says much.
  static func text(seconds: Int) -> String {
    if seconds < -1 { return "<invalid>" }
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
    return switch seconds {
    case ..<0: "0s"
    case ..<120: "\(seconds)s"
    case ..<600: joined(minutes, "m", seconds % 60, "s")
    case ..<10_800: "\(minutes)m"
    case ..<28_800: joined(hours, "h", minutes % 60, "m")
    case ..<172_800: "\(hours)h"
    case ..<691_200: joined(days, "d", hours % 24, "h")
    case ..<63_072_000: "\(days)d"
    case ..<252_288_000: joined(days / 365, "y", days % 365, "d")
    default: "\(days / 365)y"
    }
  }

  private static func joined(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
    small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
  }
}
