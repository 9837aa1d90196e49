/// One number of a kernel file, as an enumeration that numbers its cases from 0.
package protocol KernelField: CaseIterable, RawRepresentable, Hashable, Sendable where RawValue == Int {
  /// What the line begins with, without the colon.
  var line: StaticString { get }
  /// What the number is called on the line.
  var key: StaticString { get }
}

/// The numbers of one kernel file. A field that the running kernel does not have is absent, not 0.
package struct FieldTable<Field: KernelField>: Hashable, Sendable {
  private var values: [Int64?]

  package init() {
    values = Array(repeating: nil, count: Field.allCases.count)
  }

  package subscript(field: Field) -> Int64? {
    get { values[field.rawValue] }
    set { values[field.rawValue] = newValue }
  }

  /// The fields by number: `allCases` makes an array each time that it is asked.
  private func first(where isWanted: (Field) -> Bool) -> Field? {
    for number in values.indices {
      if let field = Field(rawValue: number), isWanted(field) { return field }
    }
    return nil
  }

  private func has(line: UnsafeRawBufferPointer) -> Bool {
    first { line.isEqual(to: $0.line) } != nil
  }

  private mutating func set(line: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, to value: Int64) {
    // A handful of candidates: comparing lengths first settles nearly all of them, and a hash would cost more.
    if let field = first(where: { key.isEqual(to: $0.key) && line.isEqual(to: $0.line) }) {
      self[field] = value
    }
  }
}

extension FieldTable {
  /// Lines of the form `TCP: inuse 1 orphan 0`. Fields that we do not know are passed over: kernels add some.
  init(pairs bytes: UnsafeRawBufferPointer) throws(MalformedFile) {
    self.init()
    var lines = Lines(bytes)
    while var words = lines.next() {
      guard let name = words.next()?.withoutColon else { throw lines.malformed("does not begin with a name and a colon") }
      while let key = words.next() {
        guard let value = words.next() else { throw lines.malformed("no value after \(key.excerpt)") }
        guard let number = value.decimal else { throw lines.malformed("\(key.excerpt) is \(value.excerpt), not a number") }
        set(line: name, key: key, to: number)
      }
    }
    // An empty file would pass as a namespace without sockets.
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
  }

  /// Pairs of lines of the form `Tcp: ActiveOpens PassiveOpens` and `Tcp: 21 2`. Groups and fields that we do not know are passed over.
  init(headersAndValues bytes: UnsafeRawBufferPointer) throws(MalformedFile) {
    self.init()
    var lines = Lines(bytes)
    while var headers = lines.next() {
      guard let name = headers.next()?.withoutColon else { throw lines.malformed("does not begin with a name and a colon") }
      guard var values = lines.next() else { throw lines.malformed("no line of values after the headers of \(name.excerpt)") }
      guard let valueName = values.next()?.withoutColon, valueName.elementsEqual(name) else {
        throw lines.malformed("not the values of \(name.excerpt), whose headers stand before it")
      }
      guard has(line: name) else { continue }
      while let key = headers.next() {
        guard let value = values.next() else { throw lines.malformed("no value of \(key.excerpt)") }
        guard let number = value.decimal else { throw lines.malformed("\(key.excerpt) is \(value.excerpt), not a number") }
        set(line: name, key: key, to: number)
      }
      guard values.next() == nil else { throw lines.malformed("more values than headers") }
    }
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
  }
}
