/// Cuts a list in protobuf, which comes in pieces, into its objects; each becomes its record before the next is looked at.
///
/// The list is one message inside the envelope's `raw`, hundreds of megabytes long where it has no pages. Only the envelope and the list are
/// walked here; the fields of both are read when they are whole, which for an item is one object.
///
/// Source: `ProtobufEnvelope`; k8s.io/api/core/v1/generated.proto (every list: metadata 1, items 2) and
/// k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`ListMeta`: resourceVersion 2, continue 3).
struct ProtobufListScanner<Value: Record> {
  private enum State {
    case magic, envelope
    /// Up to this byte of the stream.
    case list(end: Int)
  }

  private let kind: String
  private let limit: Int
  private var state = State.magic
  private var foundKind = ""
  private var hasList = false
  private var page = RecordPage<Value>()
  /// What came and was not read begins at `start`, which is byte `position` of the stream.
  private var buffer: [UInt8] = []
  private var start = 0
  private var position = 0

  /// - Parameters:
  ///   - kind: of the list.
  ///   - limit: bytes of one object; at most so many and one piece are kept.
  init(kind: String, limit: Int) {
    self.kind = kind
    self.limit = limit
  }

  /// What came and was not read yet.
  var heldBytes: Int { buffer.count - start }

  /// Reads all that is whole with the piece.
  @specialized(where Value == PodRecord)
  mutating func append(
    _ piece: [UInt8], reading read: RecordDecoder<Value>.ProtobufReader, known: StoreSnapshot<Value>
  ) throws(RecordError) {
    if start == buffer.count {
      buffer = piece
    } else {
      buffer.removeSubrange(..<start)
      buffer += piece
    }
    start = 0
    let buffer = buffer
    let bytes = buffer.span.bytes
    while try step(in: bytes, read, known) {}
  }

  /// Reads one thing more; false where it is not whole.
  private mutating func step(
    in bytes: RawSpan, _ read: RecordDecoder<Value>.ProtobufReader, _ known: StoreSnapshot<Value>
  ) throws(RecordError) -> Bool {
    switch state {
    case .magic:
      let rest = start..<bytes.byteCount
      guard rest.count >= ProtobufEnvelope.magic.count else { return false }
      guard ProtobufEnvelope.isAt(rest, in: bytes) else { throw RecordError("it does not start as Kubernetes protobuf does") }
      skip(to: start + ProtobufEnvelope.magic.count)
      state = .envelope
    case .envelope:
      guard let head = try ProtobufFieldHeader(at: start, before: bytes.byteCount, in: bytes) else { return false }
      if head.number == 2, head.isDelimited {
        try check(foundKind.isEmpty ? kind : foundKind)
        hasList = true
        skip(to: head.value.lowerBound)
        state = .list(end: position + head.value.count)
        return true
      }
      guard let field = try whole(head, in: bytes) else { return false }
      try readEnvelope(field, in: bytes)
    case .list(let end):
      if position == end {
        state = .envelope
        return true
      }
      let listEnd = start + (end - position)
      guard let head = try ProtobufFieldHeader(at: start, before: min(listEnd, bytes.byteCount), in: bytes) else {
        if listEnd <= bytes.byteCount { throw RecordError("the list ends inside a field at byte \(position)") }
        return false
      }
      guard head.value.upperBound <= listEnd else { throw RecordError("a field at byte \(position) is longer than the list") }
      guard let field = try whole(head, in: bytes) else { return false }
      switch field.number {
      case 1: try readMetadata(field, in: bytes)
      case 2: page.records.append(try read(try field.range(), bytes, known).named())
      default: break
      }
    }
    return true
  }

  /// The field, if all of it is there; goes on behind it.
  private mutating func whole(_ head: ProtobufFieldHeader, in bytes: RawSpan) throws(RecordError) -> ProtobufField? {
    if head.value.count > limit {
      throw RecordError("an object of \(head.value.count) bytes at byte \(position), where \(limit) are allowed")
    }
    guard head.value.upperBound <= bytes.byteCount else { return nil }
    var fields = ProtobufFields(start..<head.value.upperBound)
    let field = try fields.next(in: bytes)
    skip(to: head.value.upperBound)
    return field
  }

  private mutating func skip(to offset: Int) {
    position += offset - start
    start = offset
  }

  private func check(_ found: String) throws(RecordError) {
    guard found == kind else { throw RecordError("kind '\(found)' where a \(kind) was asked for") }
  }

  private mutating func readEnvelope(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    switch field.number {
    case 1:
      var type = try field.fields()
      while let field = try type.next(in: bytes) {
        if field.number == 2 { foundKind = try field.string(in: bytes) }
      }
    case 3:
      let encoding = try field.string(in: bytes)
      if !encoding.isEmpty { throw RecordError("content encoding '\(encoding)'") }
    default: break
    }
  }

  private mutating func readMetadata(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var metadata = try field.fields()
    while let field = try metadata.next(in: bytes) {
      switch field.number {
      case 2: page.resourceVersion = try field.string(in: bytes)
      case 3:
        let token = try field.string(in: bytes)
        page.continueToken = token.isEmpty ? nil : token
      default: break
      }
    }
  }

  /// The page, if the stream did not end in the middle of it.
  func finish() throws(RecordError) -> RecordPage<Value> {
    guard case .envelope = state, start == buffer.count else {
      throw RecordError("it ends in the middle, after \(position + buffer.count - start) bytes and \(page.records.count) objects")
    }
    try check(foundKind)
    guard hasList, !page.resourceVersion.isEmpty else { throw RecordError("a list without metadata.resourceVersion") }
    return page
  }
}

/// Where a field's value is, known from the field's first bytes, whether or not the rest is there.
struct ProtobufFieldHeader {
  let number: Int
  /// Whether the length stands before the value, as before strings, bytes and messages.
  let isDelimited: Bool
  let value: Range<Int>

  /// - Returns: `nil` where `end` comes before the value's beginning is known.
  init?(at offset: Int, before end: Int, in bytes: RawSpan) throws(RecordError) {
    var offset = offset
    guard let tag = try Self.varint(at: &offset, before: end, in: bytes) else { return nil }
    guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw RecordError("field number \(tag >> 3)") }
    number = Int(tag >> 3)
    isDelimited = tag & 7 == 2
    switch tag & 7 {
    case 0:
      let start = offset
      guard try Self.varint(at: &offset, before: end, in: bytes) != nil else { return nil }
      value = start..<offset
    case 1: value = offset..<(offset + 8)
    case 2:
      guard let length = try Self.varint(at: &offset, before: end, in: bytes) else { return nil }
      // Far more than there is memory; and no sum of it with a position overflows.
      guard length < 1 << 48 else { throw RecordError("field \(number) is \(length) bytes long") }
      value = offset..<(offset + Int(length))
    case 5: value = offset..<(offset + 4)
    default: throw RecordError("wire type \(tag & 7) of field \(number)")
    }
  }

  private static func varint(at offset: inout Int, before end: Int, in bytes: RawSpan) throws(RecordError) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while offset < end {
      let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { throw RecordError("a number of over ten bytes") }
    }
    return nil
  }
}
