internal import Foundation

/// A file below `Tests/` that holds the exact output a test expects.
///
///     let golden = GoldenFile("ControllerTests/Fixtures/metrics.golden")
///     #expect(try golden.text(comparedWith: output) == output)
///
/// With `ROLLCALL_UPDATE_GOLDEN=1` in the environment (hack/update-golden) the file is overwritten with the test's output first.
package struct GoldenFile: Sendable {
  private let url: URL

  /// - Parameter path: relative to `Tests/`.
  package init(_ path: String) {
    url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: path)
  }

  /// The expected output.
  package var text: String { get throws { try String(contentsOf: url, encoding: .utf8) } }

  /// The expected output. Replaced by `output` first if `ROLLCALL_UPDATE_GOLDEN` is set.
  package func text(comparedWith output: String) throws -> String {
    if ProcessInfo.processInfo.environment["ROLLCALL_UPDATE_GOLDEN"] == "1" { try Data(output.utf8).write(to: url) }
    return try text
  }
}
