import Logging

extension Logger {
  /// Discards everything, for tests that do not read the log.
  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
