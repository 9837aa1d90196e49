internal import FoundationEssentials
internal import Glibc

/// What is written to: a terminal, with its width and colors, or a file or pipe.
struct Terminal: Sendable {
  enum Color: Int, Sendable {
    case red = 31
    case green = 32
    case yellow = 33
  }

  /// In columns; `nil` if it is no terminal.
  var width: Int?
  var hasColors = false

  static let none = Terminal(width: nil)
  static let standardOutput = Terminal(descriptor: STDOUT_FILENO, environment: ProcessInfo.processInfo.environment)
  static let standardError = Terminal(descriptor: STDERR_FILENO, environment: ProcessInfo.processInfo.environment)

  init(width: Int?, hasColors: Bool = false) {
    self.width = width
    self.hasColors = hasColors
  }

  /// Colors: see https://no-color.org.
  init(descriptor: CInt, environment: [String: String]) {
    guard isatty(descriptor) == 1 else {
      self = .none
      return
    }
    var size = winsize()
    let hasSize = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let isDumb = environment["TERM"] == "dumb"
    self.init(width: hasSize ? Int(size.ws_col) : 80, hasColors: !isDumb && (environment["NO_COLOR"] ?? "").isEmpty)
  }

  func colored(_ text: String, _ color: Color?) -> String {
    guard hasColors, let color, !text.isEmpty else { return text }
    return "\u{1b}[\(color.rawValue)m\(text)\u{1b}[0m"
  }

  /// The text as lines that fit, broken at spaces; a word that is longer than a line is not broken.
  /// - Parameter indentation: of the lines after the first.
  func lines(_ text: String, indentation: Int) -> [String] {
    guard let width, text.count > width else { return [text] }
    // Half a line is left for text at least.
    let indentation = min(indentation, width / 2)
    var lines: [String] = []
    var line = ""
    var isFirst = true
    // Spaces at the beginning, and several in a row, stay.
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      defer { isFirst = false }
      if !isFirst, line.count + 1 + word.count > width, line.contains(where: { $0 != " " }) {
        lines.append(line)
        line = String(repeating: " ", count: indentation) + word
      } else {
        line += isFirst ? String(word) : " \(word)"
      }
    }
    return lines + [line]
  }
}

func standardError(_ text: String) {
  let bytes = Array(text.utf8)
  // A closed standard error is ignored.
  _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// Says on a terminal, after a second, what the command is waiting for.
func showingProgress<Result>(
  _ what: String, on terminal: Terminal = .standardError, _ body: () async throws -> Result
) async throws -> Result {
  guard terminal.width != nil else { return try await body() }
  let indicator = Task {
    var seconds = 0
    while (try? await Task.sleep(for: .seconds(1))) != nil {
      seconds += 1
      standardError("\r\(what): \(seconds) s")
    }
    // Removes the line.
    if seconds > 0 { standardError("\r\u{1b}[K") }
  }
  func end() async {
    indicator.cancel()
    await indicator.value
  }
  do {
    let result = try await body()
    await end()
    return result
  } catch {
    await end()
    throw error
  }
}
