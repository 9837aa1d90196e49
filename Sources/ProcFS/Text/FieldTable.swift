internal import Glibc

/// The numbers of one kernel file: an enumeration whose raw values count from 0.
package protocol KernelField: CaseIterable, RawRepresentable, Hashable, Sendable where RawValue == Int {
  /// The line's first word, without its colon.
  var line: StaticString { get }
  /// The number's name on that line.
  var key: StaticString { get }
  /// Whether it is a counter, which the kernel prints as an unsigned number of 64 bits.
  var isCounter: Bool { get }
}

/// The numbers of one kernel file. A field that the running kernel lacks, or whose value cannot be read, is absent, not 0.
package struct FieldTable<Field: KernelField>: Hashable, Sendable {
  private static var absent: Int64 { .min }

  /// Counters from 2^63 on are stored as the negative number of the same bits.
  private var values: [Int64]

  package init() {
    values = Array(repeating: Self.absent, count: Field.allCases.count)
  }

  /// The value of a field that is not a counter.
  package subscript(field: Field) -> Int64? {
    get {
      let value = values[field.rawValue]
      return value == Self.absent ? nil : value
    }
    set { values[field.rawValue] = newValue ?? Self.absent }
  }

  /// The value of a counter. 2^63 itself counts as absent.
  package func counter(_ field: Field) -> UInt64? {
    self[field].map { UInt64(bitPattern: $0) }
  }

  /// The value of any field, exact up to 2^53.
  package func value(_ field: Field) -> Double? {
    field.isCounter ? counter(field).map { Double($0) } : self[field].map { Double($0) }
  }

  /// Sets a field to the number that the word has; a word that is not one leaves the field absent.
  fileprivate mutating func set(_ number: Int, to word: UnsafeRawBufferPointer) {
    guard let value = word.decimal, value >= 0 else {
      setUnusual(number, to: word)
      return
    }
    values[number] = value
  }

  /// A negative number is not a counter's, and one from 2^63 on is only a counter's: a gauge that the kernel prints like this has been
  /// decremented before it was incremented.
  private mutating func setUnusual(_ number: Int, to word: UnsafeRawBufferPointer) {
    let isCounter = Field(rawValue: number)?.isCounter ?? false
    values[number] = (isCounter ? word.unsigned.map { Int64(bitPattern: $0) } : word.decimal) ?? Self.absent
  }

  /// Sets the field with this line and key. Ignores unknown fields.
  /// - Parameter cursor: where the search starts. Kernels write fields in the order of `Field`'s cases, so the search usually ends at once.
  ///   Searching from the first case would take 2% more of the agent's own CPU time in a sweep.
  /// - Returns: whether there is such a field.
  fileprivate mutating func set(
    line: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, to word: UnsafeRawBufferPointer, cursor: inout Int
  ) -> Bool {
    var number = cursor
    for _ in values.indices {
      if number >= values.count { number = 0 }
      // The key first: most keys differ in length.
      if let field = Field(rawValue: number), key.isEqual(to: field.key), line.isEqual(to: field.line) {
        set(number, to: word)
        cursor = number + 1
        return true
      }
      number += 1
    }
    return false
  }
}

extension FieldTable {
  /// Parses lines of the form `TCP: inuse 1 orphan 0`. Unknown fields are ignored, since new kernels add some, and so is what does not have
  /// this form.
  /// - Throws: if the file has no known field: it must not look like a namespace without sockets.
  init(pairs bytes: UnsafeRawBufferPointer) throws(MalformedFile) {
    self.init()
    var lines = Lines(bytes)
    var cursor = 0
    var isKnown = false
    while var words = lines.next() {
      guard let name = words.next()?.withoutColon else { continue }
      while let key = words.next(), let value = words.next() {
        if set(line: name, key: key, to: value, cursor: &cursor) { isKnown = true }
      }
    }
    guard isKnown else { throw .withoutFields(lines) }
  }
}

extension MalformedFile {
  /// The file has none of the fields that its kind has on every kernel.
  static func withoutFields(_ lines: borrowing Lines) -> MalformedFile {
    MalformedFile(line: 1, reason: lines.number == 0 ? "the file is empty" : "no known field in \(lines.number) lines")
  }
}

/// Parses files of line pairs: a header line `Tcp: ActiveOpens PassiveOpens`, then a line of values `Tcp: 21 2`.
///
/// A kernel writes the same headers in every namespace, and they are most of the file. So the column of each field is cached per header
/// line, and known header lines are only compared as a whole.
package struct HeaderLayout<Field: KernelField> {
  /// One header line.
  private struct Group {
    var headers: [UInt8]
    /// The raw value of each column's field, or -1, without the columns after the last field; empty for a line without any.
    var fields: [Int16]
  }

  /// A kernel has six, but those of ICMP have the types that a namespace has seen.
  private static var maximumGroups: Int { 16 }

  private var groups: [Group] = []
  /// Copied for each file, which is faster than counting the cases again.
  private let empty = FieldTable<Field>()

  package init() {}

  /// Unknown groups and fields are ignored, and so is a line without its other half. A value that cannot be read leaves its field absent.
  /// - Throws: if the file has no known field.
  package mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<Field> {
    var table = empty
    var lines = Lines(bytes)
    var isKnown = false
    var next = lines.next()
    while let headers = next {
      next = lines.next()
      var words = headers
      guard let name = words.next()?.withoutColon, var values = next, let valueName = values.next()?.withoutColon,
        valueName.elementsEqual(name)
      else { continue }
      next = lines.next()
      let known = groups.firstIndex { $0.headers.isEqual(to: headers.rest) }
      let fields = known.map { groups[$0].fields } ?? Self.fields(of: words, name: name)
      if !fields.isEmpty {
        table.read(values, fields)
        isKnown = true
      }
      if known == nil, groups.count < Self.maximumGroups { groups.append(Group(headers: Array(headers.rest), fields: fields)) }
    }
    guard isKnown else { throw .withoutFields(lines) }
    return table
  }

  /// The field of each column up to the last one that has any.
  private static func fields(of headers: Words, name: UnsafeRawBufferPointer) -> [Int16] {
    let candidates = Field.allCases.filter { name.isEqual(to: $0.line) }
    if candidates.isEmpty { return [] }
    var headers = headers
    var fields: [Int16] = []
    while let key = headers.next() {
      fields.append(candidates.first { key.isEqual(to: $0.key) }.map { Int16($0.rawValue) } ?? -1)
    }
    fields.removeLast(fields.reversed().prefix { $0 < 0 }.count)
    return fields
  }
}

extension FieldTable {
  /// Reads one line of values.
  fileprivate mutating func read(_ line: Words, _ fields: [Int16]) {
    var values = line
    for field in fields {
      guard let value = values.next() else { return }
      if field >= 0 { set(Int(field), to: value) }
    }
  }
}

extension [UInt8] {
  fileprivate func isEqual(to bytes: UnsafeRawBufferPointer) -> Bool {
    guard count == bytes.count, let base = bytes.baseAddress else { return false }
    return withUnsafeBytes { $0.baseAddress.map { memcmp($0, base, bytes.count) == 0 } ?? true }
  }
}
