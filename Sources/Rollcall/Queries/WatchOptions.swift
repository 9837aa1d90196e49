internal import ArgumentParser
internal import Glibc
internal import JSON

/// An answer of the controller, as a command shows it.
struct Answer: Sendable {
  var text: String
  /// What makes an answer differ from the one before; ages do not.
  var state: JSONValue
  /// What was found.
  var status: ExitCode = .success
}

/// Whether a command asks again.
struct WatchOptions: ParsableArguments {
  @Flag(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Ask again every 5 s until the command is ended.",
      discussion: "A terminal shows the newest answer; otherwise each answer that differs from the one before is printed."))
  var watch = false

  /// The shortest pause. A long answer is asked for less often.
  private static let interval: Duration = .seconds(5)

  /// Asks the controller, prints the answer, and ends with its status. With `--watch` it does not end.
  /// - Throws: `QueryFailure` if the first question gets no answer; later ones are asked again.
  func run(_ controller: ControllerOptions, _ ask: @Sendable (ControllerConnection) async throws -> Answer) async throws {
    guard watch else {
      let answer = try await showingProgress("asking the controller") { try await controller.connect(ask) }
      print(answer.text, terminator: "")
      if answer.status != .success { throw answer.status }
      return
    }
    var screen = Screen()
    while !Task.isCancelled {
      do {
        try await controller.connect { connection in
          while !Task.isCancelled {
            let start = ContinuousClock.now
            screen.show(try await ask(connection))
            try await Task.sleep(for: max(Self.interval, (ContinuousClock.now - start) * 10))
          }
        }
      } catch let failure as QueryFailure where screen.hasShown {
        standardError("\(failure.message); asking again\n")
        try await Task.sleep(for: Self.interval)
      }
    }
  }
}

/// Where a command with `--watch` shows its answers.
private struct Screen {
  private var last: JSONValue?

  var hasShown: Bool { last != nil }

  mutating func show(_ answer: Answer) {
    defer { last = answer.state }
    if Terminal.standardOutput.width != nil {
      // To the upper left corner; the rest of the screen is erased.
      print("\u{1b}[H\u{1b}[J\(answer.text)")
    } else if answer.state != last {
      print(last == nil ? answer.text : "\n\(answer.text)", terminator: "")
    }
    flush()
  }

  /// So that a pipe gets each answer at once.
  private func flush() { fflush(nil) }
}
