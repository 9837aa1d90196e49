import TestSupport
import Testing

/// The folders of `Sources/Controller` depend on each other in one direction, like modules. The files beside them, the composition root,
/// may use every folder, and no folder uses them.
@Suite(.ownThread) struct ControllerFoldersTests {
  private static let root = "the composition root"

  /// Names that only one folder declares, and the folder.
  private let owners: [Substring: String]
  /// The names that each folder uses.
  private let uses: [String: Set<Substring>]

  init() throws {
    let commentOrString = /"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//
    // A type outside of any other: a nested type is named after its outer type.
    let declaration =
      /(?m)^(?:(?:package|public|internal|final|indirect|private|fileprivate) )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
    let sources = "Sources/Controller"
    var declarers: [Substring: Set<String>] = [:]
    var uses: [String: Set<Substring>] = [:]
    for folder in [Self.root] + Repository.folders(in: sources) {
      let path = folder == Self.root ? sources : "\(sources)/\(folder)"
      for file in Repository.files(in: path) where file.hasSuffix(".swift") {
        let code = try Repository.text("\(path)/\(file)").replacing(commentOrString, with: " ")[...]
        for match in code.matches(of: declaration) { declarers[match.1, default: []].insert(folder) }
        // Only the first name of `a.b.c`: the others are members.
        let paths = code.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }
        uses[folder, default: []].formUnion(paths.compactMap { $0.split(separator: ".", omittingEmptySubsequences: false).first })
      }
    }
    owners = declarers.compactMapValues { $0.count == 1 ? $0.first : nil }
    self.uses = uses
  }

  /// The folders whose names a folder uses, and which names.
  private func dependencies(of folder: String) -> [String: [Substring]] {
    Dictionary(grouping: uses[folder, default: []].filter { owners[$0] != nil && owners[$0] != folder }) { owners[$0] ?? "" }
  }

  @Test func `the folders are found, with the names of their types`() {
    #expect(uses.count > 10)
    #expect(owners["RollStore"] == "Roll" && owners["Ledger"] == "Ledger" && owners["RollcallController"] == Self.root)
    #expect(dependencies(of: "Nodes").keys.contains("Roll"))
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
