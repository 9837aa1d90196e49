import Foundation

/// A Markdown file of this repository: its links, anchors and code spans, without those in fenced code blocks.
struct MarkdownDocument: CustomStringConvertible, Sendable {
  struct Link: Sendable {
    var text: String
    /// Relative to the document's folder; empty for a link within the document.
    var path: String
    var anchor: String?
  }

  /// Relative to the repository.
  let path: String
  let text: String
  /// Lines outside fenced code blocks.
  let prose: [String]

  var description: String { path }

  init(_ path: String) throws {
    self.path = path
    text = try String(contentsOf: Repository.url(path), encoding: .utf8)
    var isCode = false
    prose = text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        isCode.toggle()
        return nil
      }
      return isCode ? nil : String(line)
    }
  }

  /// The project's documents, in alphabetical order.
  static func all() throws -> [MarkdownDocument] {
    let nested = ["docs", "docs/decisions"].flatMap { folder in
      Repository.files(in: folder).filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
    }
    return try (["CHANGELOG.md", "CONTRIBUTING.md", "README.md"] + nested).map(MarkdownDocument.init)
  }

  /// Links without a scheme.
  var localLinks: [Link] {
    prose.flatMap { line in
      line.matches(of: /\[([^\]]*)\]\(([^)\s]*)\)/).compactMap { match in
        let target = String(match.2)
        guard !target.contains("://") else { return nil }
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return Link(text: String(match.1), path: parts[0], anchor: parts.count > 1 ? parts[1] : nil)
      }
    }
  }

  var codeSpans: [String] {
    prose.flatMap { line in line.matches(of: /`([^`]+)`/).map { String($0.1) } }
  }

  var headings: [String] {
    prose.filter { $0.hasPrefix("#") }.map { String($0.drop { $0 == "#" }.drop { $0 == " " }) }
  }

  /// The anchors of the headings, by GitHub's rule: lower case, spaces to hyphens, other punctuation dropped.
  var anchors: Set<String> {
    Set(
      headings.map { heading in
        String(heading.lowercased().compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : nil })
      })
  }
}

/// The working copy that the tests were built from.
enum Repository {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func url(_ path: String) -> URL { root.appending(path: path).standardizedFileURL }
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: url(path).path) }
  static func text(_ path: String) throws -> String { try String(contentsOf: url(path), encoding: .utf8) }

  /// `path`, which starts at `folder`, as a path that starts at the repository.
  static func relative(_ path: String, to folder: String) -> String {
    var parts = folder.split(separator: "/")
    for part in path.split(separator: "/") {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }

  static func folders(in folder: String) -> [String] {
    files(in: folder).filter { (try? url("\(folder)/\($0)").resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true }
  }

  /// The paths of the Swift files of a folder and of those in it.
  static func swiftFiles(below folder: String) -> [String] {
    files(in: folder).filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }
      + folders(in: folder).flatMap { swiftFiles(below: "\(folder)/\($0)") }
  }

  static func files(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: url(folder).path)) ?? []).sorted()
  }
}

/// The string literals of all Swift files below `Sources`; those that `+` joins over two lines count as one.
struct StringLiterals {
  private var texts: Set<Substring> = []
  /// What stands before the first interpolation and after the last.
  private var interpolated: [(prefix: Substring, suffix: Substring)] = []

  init() throws {
    let files =
      FileManager.default.enumerator(at: Repository.url("Sources"), includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
    for file in files where file.pathExtension == "swift" {
      let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { $0.contains("\"") }
      var joined: Substring = ""
      for line in lines.map({ $0.drop { $0 == " " } }) where !line.hasPrefix("//") {
        if line.hasPrefix("+ \""), joined.hasSuffix("\"") {
          joined = joined.dropLast() + line.dropFirst(3)
        } else {
          add(joined)
          joined = line
        }
      }
      add(joined)
    }
  }

  private mutating func add(_ line: Substring) {
    for (index, part) in line.split(separator: "\"", omittingEmptySubsequences: false).enumerated() where index % 2 == 1 {
      guard let first = part.range(of: "\\("), let last = part.range(of: ")", options: .backwards) else {
        texts.insert(part)
        continue
      }
      interpolated.append((part[..<first.lowerBound], part[last.upperBound...]))
    }
  }

  func contains(_ text: String) -> Bool {
    texts.contains(text[...])
      || interpolated.contains { $0.prefix.count > 10 && text.hasPrefix($0.prefix) && text.hasSuffix($0.suffix) }
  }

  func containsOne(thatStartsWith text: String) -> Bool { texts.contains { $0.hasPrefix(text) } }

  var metricNames: [String] {
    texts.filter { $0.hasPrefix("rollcall_") && $0.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" } }.map(String.init)
  }
}
