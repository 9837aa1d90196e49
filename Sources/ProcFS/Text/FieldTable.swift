internal import Glibc

/// The numbers of one kernel file: an enumeration whose raw values count from 0.
package protocol KernelField: CaseIterable, RawRepresentable, Hashable, Sendable where RawValue == Int {
  /// The line's first word, without its colon.
  var line: StaticString { get }
  /// The number's name on that line.
  var key: StaticString { get }
}

/// The numbers of one kernel file. A field that the running kernel lacks is absent, not 0.
package struct FieldTable<Field: KernelField>: Hashable, Sendable {
  /// No kernel counter reaches this value.
  private static var absent: Int64 { .min }

  private var values: [Int64]

  package init() {
    values = Array(repeating: Self.absent, count: Field.allCases.count)
  }

  package subscript(field: Field) -> Int64? {
    get {
      let value = values[field.rawValue]
      return value == Self.absent ? nil : value
    }
    set { values[field.rawValue] = newValue ?? Self.absent }
  }

  fileprivate mutating func set(_ number: Int, to value: Int64) {
    values[number] = value
  }

  /// Sets the field with this line and key. Ignores unknown fields.
  /// - Parameter cursor: where the search starts. Kernels write fields in the order of `Field`'s cases, so the search usually ends at once.
  ///   Searching from the first case would take 2% more of the agent's own CPU time in a sweep.
  fileprivate mutating func set(line: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, to value: Int64, cursor: inout Int) {
    var number = cursor
    for _ in values.indices {
      if number >= values.count { number = 0 }
      // The key first: most keys differ in length.
      if let field = Field(rawValue: number), key.isEqual(to: field.key), line.isEqual(to: field.line) {
        values[number] = value
        cursor = number + 1
        return
      }
      number += 1
    }
  }
}

extension FieldTable {
  /// Parses lines of the form `TCP: inuse 1 orphan 0`. Unknown fields are ignored, since new kernels add some.
  init(pairs bytes: UnsafeRawBufferPointer) throws(MalformedFile) {
    self.init()
    var lines = Lines(bytes)
    var cursor = 0
    while var words = lines.next() {
      guard let name = words.next()?.withoutColon else { throw lines.malformed("does not begin with a name and a colon") }
      while let key = words.next() {
        guard let value = words.next() else { throw lines.malformed("no value after \(key.excerpt)") }
        guard let number = value.decimal else { throw lines.malformed("\(key.excerpt) is \(value.excerpt), not a number") }
        set(line: name, key: key, to: number, cursor: &cursor)
      }
    }
    // An empty file must not look like a namespace without sockets.
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
  }
}

/// Parses files of line pairs: a header line `Tcp: ActiveOpens PassiveOpens`, then a line of values `Tcp: 21 2`.
///
/// A kernel writes the same headers in every namespace, and they are most of the file. So the column of each field is cached per header
/// line, and known header lines are only compared as a whole.
package struct HeaderLayout<Field: KernelField> {
  /// One header line with at least one field of `Field`.
  private struct Group {
    var headers: [UInt8]
    /// The raw value of each column's field, or -1.
    var fields: [Int16]
  }

  private var groups: [Group] = []
  /// Copied for each file, which is faster than counting the cases again.
  private let empty = FieldTable<Field>()

  package init() {}

  /// Unknown groups and fields are ignored.
  package mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<Field> {
    var table = empty
    var lines = Lines(bytes)
    while let headers = lines.next() {
      let known = groups.firstIndex { $0.headers.isEqual(to: headers.rest) }
      var words = headers
      guard let name = words.next()?.withoutColon else { throw lines.malformed("does not begin with a name and a colon") }
      guard var values = lines.next() else { throw lines.malformed("no line of values after the headers of \(name.excerpt)") }
      guard let valueName = values.next()?.withoutColon, valueName.elementsEqual(name) else {
        throw lines.malformed("not the values of \(name.excerpt)")
      }
      if let known {
        try table.read(values, groups[known].fields, headers: words, at: lines)
      } else if let group = Self.group(headers.rest, name: name, words) {
        try table.read(values, group.fields, headers: words, at: lines)
        groups.append(group)
      }
    }
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
    return table
  }

  /// `nil` for a line without any field of `Field`.
  private static func group(_ line: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer, _ headers: Words) -> Group? {
    let candidates = Field.allCases.filter { name.isEqual(to: $0.line) }
    if candidates.isEmpty { return nil }
    var headers = headers
    var fields: [Int16] = []
    while let key = headers.next() {
      fields.append(candidates.first { key.isEqual(to: $0.key) }.map { Int16($0.rawValue) } ?? -1)
    }
    return Group(headers: Array(line), fields: fields)
  }
}

extension FieldTable {
  /// Reads one line of values.
  fileprivate mutating func read(
    _ line: Words, _ fields: [Int16], headers: Words, at lines: borrowing Lines
  ) throws(MalformedFile) {
    var values = line
    for column in fields.indices {
      guard let value = values.next() else { throw lines.malformed("no value of \(headers.word(column))") }
      let field = fields[column]
      if field < 0 { continue }
      guard let number = value.decimal else { throw lines.malformed("\(headers.word(column)) is \(value.excerpt), not a number") }
      set(Int(field), to: number)
    }
    guard values.next() == nil else { throw lines.malformed("more values than headers") }
  }
}

extension Words {
  /// The word at an index, for error messages.
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
