import Logging
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// A token file is reread, and its last good content stays in use (R20).
@Suite struct TokenSourceTests {
  let directory: ConfigurationDirectory
  let time = ManualTime()
  let log = RecordedLog()

  init() throws { directory = try ConfigurationDirectory() }

  private func source(initial: Secret? = nil) -> TokenSource {
    TokenSource(path: "\(directory.path)/token", initial: initial, elapsed: { [time] in time.now }, logger: log.logger)
  }

  @Test func `the file is read again within a minute`() throws {
    try directory.write("token", "one\n")
    let tokens = source()
    #expect(try tokens.current() == Secret("one"))
    try directory.write("token", "two\n")
    time.advance(by: TokenSource.period - .milliseconds(1))
    #expect(try tokens.current() == Secret("one"), "not read for each request")
    time.advance(by: .milliseconds(1))
    #expect(try tokens.current() == Secret("two"))
    #expect(TokenSource.period < .seconds(60))
  }

  @Test(arguments: ["", " \n", "a b", nil])
  func `an unusable file keeps the old token`(content: String?) throws {
    try directory.write("token", "one")
    let tokens = source()
    _ = try tokens.current()
    if let content { try directory.write("token", content) } else { try directory.remove("token") }
    for _ in 1...3 {
      time.advance(by: TokenSource.period)
      #expect(try tokens.current() == Secret("one"))
    }
    #expect(log.lines.map(\.level) == [.warning], "logged once, not at each read")
    try directory.write("token", "two")
    time.advance(by: TokenSource.period)
    #expect(try tokens.current() == Secret("two"))
    #expect(log.lines.map(\.level) == [.warning, .info])
  }

  @Test func `a 401 forces a read`() throws {
    try directory.write("token", "one")
    let tokens = source()
    _ = try tokens.current()
    try directory.write("token", "two")
    tokens.invalidate()
    #expect(try tokens.current() == Secret("two"))
    try directory.remove("token")
    tokens.invalidate()
    #expect(try tokens.current() == Secret("two"), "the refused token is the only one")
  }

  @Test func `a missing file is an error until it exists`() throws {
    let tokens = source()
    #expect(
      throws: ConfigurationError.unreadable(path: "\(directory.path)/token", usedBy: "token file", reason: "No such file or directory")
    ) {
      try tokens.current()
    }
    try directory.write("token", "one")
    #expect(try tokens.current() == Secret("one"), "read at once")
  }

  @Test func `the initial token is used while the file is missing`() throws {
    let tokens = source(initial: Secret("zero"))
    #expect(try tokens.current() == Secret("zero"))
    try directory.write("token", "one")
    time.advance(by: TokenSource.period)
    #expect(try tokens.current() == Secret("one"))
  }

  @Test func `R26: the log contains no token`() throws {
    try directory.write("token", "hunter2")
    let tokens = source()
    _ = try tokens.current()
    try directory.write("token", "hunter2 hunter2")
    tokens.invalidate()
    _ = try tokens.current()
    #expect(!log.text.isEmpty)
    #expect(!log.text.contains("hunter2"))
  }
}

/// A manual clock.
final class ManualTime: Sendable {
  private let elapsed = Mutex(Duration.zero)
  var now: Duration { elapsed.withLock { $0 } }
  func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}
