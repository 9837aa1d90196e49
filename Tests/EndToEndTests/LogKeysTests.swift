import TestSupport
import Testing

/// The metadata of log messages: one name for one thing, in both executables and all formats.
@Suite struct LogKeysTests {
  @Test func `R123: the keys of log messages are those of the document, and each is used`() throws {
    let document = try Repository.text("docs/configuration.md")
    let section = try #require(document.firstRange(of: "| key | value |\n|---|---|\n"))
    let rows = document[section.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0.hasPrefix("|") }
    let documented = rows.flatMap { row in row.split(separator: "|").first.map { $0.matches(of: /`(\w+)`/).map { String($0.1) } } ?? [] }
    #expect(Set(documented).count == documented.count)

    var used: Set<String> = []
    for file in Repository.folders(in: "Sources").filter({ $0 != "Simulator" }).flatMap({ Repository.swiftFiles(below: "Sources/\($0)") }) {
      let text = try Repository.text(file)
      // `metadata: [` and `Logger.Metadata = [`, up to the bracket that closes it, and single values.
      for literal in text.matches(of: /(?:metadata: |Logger\.Metadata = |Logger\.Metadata \{\n\s*)\[(?!String)/) {
        var depth = 1
        let body = text[literal.range.upperBound...].prefix { character in
          depth += character == "[" ? 1 : character == "]" ? -1 : 0
          return depth > 0
        }
        used.formUnion(body.matches(of: /(?:^|[\s,])"([\w ]+)": "/).map { String($0.1) })
      }
      used.formUnion(text.matches(of: /logger\[metadataKey: "([\w ]+)"\] =/).map { String($0.1) })
      if text.contains("Logger.Metadata") { used.formUnion(text.matches(of: /metadata\["([\w ]+)"\] = "/).map { String($0.1) }) }
    }
    #expect(used.sorted() == documented.sorted())
  }
}
