import Logging
import Primitives
import Synchronization
import Testing

@testable import LogLines

@Suite struct LogLineTests {
  private func line(_ message: String, _ metadata: Logger.Metadata) -> LogLine {
    LogLine(time: Timestamp(unixMilliseconds: 1_772_366_400_007), level: .warning, message: message, metadata: metadata)
  }

  @Test func `R123: a message is one line of logfmt with the keys of log/slog`() {
    let line = line(
      "node not collected", ["node": "worker-1", "error": "timeout: \"10 s\"\nC:\\dir", "empty": "", "left out": "3", "expr": "a=b"])
    #expect(
      line.logfmt == #"""
        time=2026-03-01T12:00:00.007Z level=warning msg="node not collected" empty="" error="timeout: \"10 s\"\nC:\\dir" expr="a=b" \#
        left_out=3 node=worker-1
        """#)
  }

  @Test func `R123: a message is one object of JSON`() {
    let line = line(
      "ended\u{1}", ["pods": ["shop/a", "shop/ü"], "limits": .dictionary(["b": "2", "a": "1"]), "count": .stringConvertible(7)])
    #expect(
      line.json == #"""
        {"time":"2026-03-01T12:00:00.007Z","level":"warning","msg":"ended\u0001","count":"7","limits":{"a":"1","b":"2"},\#
        "pods":["shop/a","shop/ü"]}
        """#)
    #expect(line.logfmt.hasSuffix(#"limits="{\"a\":\"1\",\"b\":\"2\"}" pods="[\"shop/a\",\"shop/ü\"]""#))
  }

  @Test func `R123: metadata replaces no member of the line`() {
    let line = line("real", ["msg": "false", "level": "debug", "time": "now"])
    #expect(line.logfmt == "time=2026-03-01T12:00:00.007Z level=warning msg=real level_=debug msg_=false time_=now")
  }

  @Test func `R123: a line has the metadata of the logger and of the message`() {
    let lines = Mutex<[LogLine]>([])
    var logger = Logger(label: "test") { _ in LineLogHandler { line in lines.withLock { $0.append(line) } } }
    logger.logLevel = .notice
    logger[metadataKey: "node"] = "a"
    logger[metadataKey: "source"] = "linux"
    logger.info("not logged")
    logger.notice("logged", metadata: ["node": "b"])
    let line = lines.withLock { $0 }
    #expect(line.map(\.message) == ["logged"])
    #expect(line.first?.metadata == ["node": "b", "source": "linux"])
  }
}
