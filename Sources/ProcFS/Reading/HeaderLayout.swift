#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Reads files that are pairs of lines of the form `Tcp: ActiveOpens PassiveOpens` and `Tcp: 21 2`, one after the other.
///
/// The headings are the same in every namespace of a kernel, and they are most of the file. So it remembers where the fields stand below
/// headings that it has seen, and then compares a line of them as a whole.
package struct HeaderLayout<Field: KernelField> {
  /// One line of headings that has fields of ours.
  private struct Group {
    var headings: [UInt8]
    /// For each column the number of its field, or -1.
    var fields: [Int16]
  }

  private var groups: [Group] = []
  /// Copied for each file: counting the fields anew would take longer.
  private let empty = FieldTable<Field>()

  package init() {}

  /// Groups and fields that we do not know are passed over.
  package mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<Field> {
    var table = empty
    var lines = Lines(bytes)
    while let headings = lines.next() {
      // A line that we know needs no second look; the values have to be there all the same.
      let known = groups.firstIndex { $0.headings.isEqual(to: headings.rest) }
      var words = headings
      guard let name = words.next()?.withoutColon else { throw lines.malformed("does not begin with a name and a colon") }
      guard var values = lines.next() else { throw lines.malformed("no line of values after the headers of \(name.excerpt)") }
      guard let valueName = values.next()?.withoutColon, valueName.elementsEqual(name) else {
        throw lines.malformed("not the values of \(name.excerpt), whose headers stand before it")
      }
      if let known {
        try table.read(values, groups[known].fields, headings: words, at: lines)
      } else if let group = Self.layOut(headings.rest, name: name, words) {
        try table.read(values, group.fields, headings: words, at: lines)
        groups.append(group)
      }
    }
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
    return table
  }

  /// `nil` for a line without any field of ours.
  private static func layOut(_ line: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer, _ headings: Words) -> Group? {
    let candidates = Field.allCases.filter { name.isEqual(to: $0.line) }
    if candidates.isEmpty { return nil }
    var headings = headings
    var fields: [Int16] = []
    while let key = headings.next() {
      fields.append(candidates.first { key.isEqual(to: $0.key) }.map { Int16($0.rawValue) } ?? -1)
    }
    return Group(headings: Array(line), fields: fields)
  }
}

extension FieldTable {
  /// Reads one line of values.
  fileprivate mutating func read(
    _ line: Words, _ fields: [Int16], headings: Words, at lines: borrowing Lines
  ) throws(MalformedFile) {
    var values = line
    for column in fields.indices {
      guard let value = values.next() else { throw lines.malformed("no value of \(headings.word(column))") }
      let field = fields[column]
      if field < 0 { continue }
      guard let number = value.decimal else { throw lines.malformed("\(headings.word(column)) is \(value.excerpt), not a number") }
      set(Int(field), to: number)
    }
    guard values.next() == nil else { throw lines.malformed("more values than headers") }
  }
}

extension Words {
  /// For messages: the word with that number, from 0.
  fileprivate func word(_ number: Int) -> String {
    var words = self
    for _ in 0..<number { _ = words.next() }
    return words.next()?.excerpt ?? "column \(number + 1)"
  }
}

extension [UInt8] {
  fileprivate func isEqual(to bytes: UnsafeRawBufferPointer) -> Bool {
    guard count == bytes.count, let base = bytes.baseAddress else { return false }
    return withUnsafeBytes { $0.baseAddress.map { memcmp($0, base, bytes.count) == 0 } ?? true }
  }
}
