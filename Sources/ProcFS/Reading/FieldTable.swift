/// One number of a kernel file, as an enumeration that numbers its cases from 0.
package protocol KernelField: CaseIterable, RawRepresentable, Hashable, Sendable where RawValue == Int {
  /// What the line begins with, without the colon.
  var line: StaticString { get }
  /// What the number is called on the line.
  var key: StaticString { get }
}

/// The numbers of one kernel file. A field that the running kernel does not have is absent, not 0.
package struct FieldTable<Field: KernelField>: Hashable, Sendable {
  /// No counter of the kernel's comes this far.
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

  mutating func set(_ number: Int, to value: Int64) {
    values[number] = value
  }

  /// - Parameter start: the field to begin with: the kernel's order is ours, so that it is the next one nearly always.
  /// - Returns: the field after the one that was set, or `start` if we have none of that name.
  fileprivate mutating func set(line: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, to value: Int64, from start: Int) -> Int {
    var number = start
    for _ in values.indices {
      if number >= values.count { number = 0 }
      // The key first: it settles nearly all of them by its length.
      if let field = Field(rawValue: number), key.isEqual(to: field.key), line.isEqual(to: field.line) {
        values[number] = value
        return number + 1
      }
      number += 1
    }
    return start
  }
}

extension FieldTable {
  /// Lines of the form `TCP: inuse 1 orphan 0`. Fields that we do not know are passed over: kernels add some.
  init(pairs bytes: UnsafeRawBufferPointer) throws(MalformedFile) {
    self.init()
    var lines = Lines(bytes)
    var next = 0
    while var words = lines.next() {
      guard let name = words.next()?.withoutColon else { throw lines.malformed("does not begin with a name and a colon") }
      while let key = words.next() {
        guard let value = words.next() else { throw lines.malformed("no value after \(key.excerpt)") }
        guard let number = value.decimal else { throw lines.malformed("\(key.excerpt) is \(value.excerpt), not a number") }
        next = set(line: name, key: key, to: number, from: next)
      }
    }
    // An empty file would pass as a namespace without sockets.
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
  }
}
