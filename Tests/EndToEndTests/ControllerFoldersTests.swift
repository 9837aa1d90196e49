import TestSupport
import Testing

/// The folders of `Sources/Controller` depend on each other in one direction, like modules. The files beside them, the composition root,
/// may use every folder, and no folder uses them.
@Suite(.ownThread) struct ControllerFoldersTests {
  private static let root = "the composition root"

  /// Names that folders declare for others.
  private let declarers: [Substring: Set<String>]
  /// The names that each folder uses.
  private let uses: [String: Set<Substring>]

  init() throws {
    let commentOrString = /"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//
    // A type outside of any other: a nested type is named after its outer type.
    let declaration =
      /(?m)^(?:@\w+(?:\([^)]*\))? )*(?:(?:package|public|internal|final|indirect) )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
    let sources = "Sources/Controller"
    var declarers: [Substring: Set<String>] = [:]
    var uses: [String: Set<Substring>] = [:]
    for path in Repository.swiftFiles(below: sources) {
      let below = path.split(separator: "/").dropFirst(2)
      let folder = below.count == 1 ? Self.root : String(below.first ?? "")
      let code = try Repository.text(path).replacing(commentOrString) { Self.interpolations(in: $0.output) }[...]
      for match in code.matches(of: declaration) { declarers[match.1, default: []].insert(folder) }
      // Only the first name of `a.b.c`: the others are members.
      let paths = code.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }
      uses[folder, default: []].formUnion(paths.compactMap { $0.split(separator: ".", omittingEmptySubsequences: false).first })
    }
    self.declarers = declarers
    self.uses = uses
  }

  /// What a string literal interpolates: the text in parentheses after each backslash.
  private static func interpolations(in literal: Substring) -> String {
    guard literal.hasPrefix("\"") else { return " " }
    var result = " "
    var depth = 0
    var previous: Character = " "
    for character in literal {
      if character == "(", depth > 0 || previous == "\\" {
        depth += 1
      } else if character == ")", depth > 0 {
        depth -= 1
      }
      result.append(depth > 0 ? character : " ")
      previous = character
    }
    return result
  }

  /// The folder that declares a name; `nil` if no folder does, or several do.
  private func owner(of name: Substring) -> String? {
    declarers[name].flatMap { $0.count == 1 ? $0.first : nil }
  }

  /// The folders whose names a folder uses, and which names.
  private func dependencies(of folder: String) -> [String: [Substring]] {
    Dictionary(grouping: uses[folder, default: []].filter { (owner(of: $0) ?? folder) != folder }) { owner(of: $0) ?? "" }
  }

  @Test func `the folders are found, with the names of their types`() {
    #expect(uses.count > 10)
    #expect(owner(of: "RollStore") == "Roll" && owner(of: "Ledger") == "Ledger" && owner(of: "RollcallController") == Self.root)
    #expect(dependencies(of: "Nodes").keys.contains("Roll"))
  }

  @Test func `no name stands for different things in two folders`() {
    for (name, folders) in declarers where folders.count > 1 { Issue.record("\(folders.sorted()) declare \(name)") }
  }

  @Test func `no folder uses the composition root`() {
    for folder in uses.keys where folder != Self.root {
      #expect(dependencies(of: folder)[Self.root] == nil, "\(folder)")
    }
  }

  @Test func `no two folders use each other, nor more in a circle`() {
    var finished: Set<String> = []
    func visit(_ folder: String, path: [String]) {
      guard !finished.contains(folder) else { return }
      if let start = path.firstIndex(of: folder) {
        let circle = path[start...] + [folder]
        let names = zip(circle, circle.dropFirst()).map { "\($0) uses \(dependencies(of: $0)[$1, default: []].sorted()) of \($1)" }
        Issue.record("\(names.joined(separator: ", "))")
        return
      }
      for next in dependencies(of: folder).keys.sorted() { visit(next, path: path + [folder]) }
      finished.insert(folder)
    }
    for folder in uses.keys.sorted() { visit(folder, path: []) }
  }

  @Test func `only Settings and the composition root know all settings`() {
    for (folder, names) in uses where folder != "Settings" && folder != Self.root {
      #expect(!names.contains("ControllerSettings"), "\(folder)")
    }
  }

  /// Decisions without input, output or a clock of their own.
  @Test(arguments: ["FoundationEssentials", "Foundation", "JSON", "GzipZlib", "KubeClient", "HTTPTransport"])
  func `the ledger imports no input or output`(module: String) {
    #expect(!uses["Ledger", default: []].contains { $0 == module })
  }
}
