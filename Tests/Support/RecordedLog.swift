package import Logging
internal import Synchronization

/// Keeps what is logged, for tests that ask what was said.
package final class RecordedLog: Sendable {
  package struct Line: Sendable, CustomStringConvertible {
    package var level: Logger.Level
    package var message: String
    package var metadata: Logger.Metadata

    /// As `warning gap opened node=a reason=NoAgent`.
    package var description: String {
      "\(level) \(message) \(metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))"
    }
  }

  private let kept = Mutex<[Line]>([])

  package init() {}

  package var lines: [Line] { kept.withLock { $0 } }
  package var all: [String] { lines.map(\.description) }
  package var text: String { all.joined(separator: "\n") }

  package func count(_ message: String) -> Int { all.count { $0.contains(message) } }

  /// What was said since the last call.
  package func take() -> [Line] {
    kept.withLock { kept in
      defer { kept = [] }
      return kept
    }
  }

  package var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

  private struct Handler: LogHandler {
    let log: RecordedLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
      log.kept.withLock { $0.append(Line(level: event.level, message: "\(event.message)", metadata: all)) }
    }
  }
}
