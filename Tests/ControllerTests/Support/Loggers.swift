import Logging

extension Logger {
  /// For tests that read results elsewhere than in the log.
  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
