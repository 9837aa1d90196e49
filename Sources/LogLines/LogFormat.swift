package import Logging
internal import Primitives

/// How log messages are written to standard error, one message a line.
package enum LogFormat: String, CaseIterable, Sendable {
  /// As swift-log writes them: `2026-03-01T12:00:00+0000 info rollcall: node=worker-1 [Controller] node not collected`.
  case text
  /// `time=2026-03-01T12:00:00.000Z level=info msg="node not collected" node=worker-1`, with the keys of Go's log/slog.
  case logfmt
  /// The same as an object of JSON.
  case json

  package func logger(label: String, level: Logger.Level) -> Logger {
    var logger = Logger(label: label) { label in
      switch self {
      case .text: StreamLogHandler.standardError(label: label)
      case .logfmt: LineLogHandler { writeToStandardError($0.logfmt) }
      case .json: LineLogHandler { writeToStandardError($0.json) }
      }
    }
    logger.logLevel = level
    return logger
  }
}

/// Passes each message on as a `LogLine`.
struct LineLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info
  private let write: @Sendable (LogLine) -> Void

  init(_ write: @escaping @Sendable (LogLine) -> Void) {
    self.write = write
  }

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let error = event.error { all["error"] = "\(error)" }
    all.merge(event.metadata ?? [:]) { _, own in own }
    write(LogLine(time: .now, level: event.level, message: event.message.description, metadata: all))
  }
}
