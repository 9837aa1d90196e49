/// Decodes a protobuf list incrementally: each object becomes a record before the next one is read.
///
/// The list is one message in the envelope's `raw`, and hundreds of megabytes long without pages. Only the fields of envelope and list are
/// scanned; a field is decoded once it is complete, which for `items` is one object.
///
/// Source: `ProtobufEnvelope`; k8s.io/api/core/v1/generated.proto (every list: metadata 1, items 2) and
/// k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`ListMeta`: resourceVersion 2, continue 3).
struct ProtobufListScanner<Value: Record> {
  private enum State {
    case magic, envelope
    /// Ends at this byte of the stream.
    case list(end: Int)
  }

  private let kind: String
  private let limit: Int
  private var state = State.magic
  private var foundKind = ""
  private var hasList = false
  private var page = RecordPage<Value>()
  /// Unread bytes start at `start`, which is byte `position` of the stream.
  private var buffer: [UInt8] = []
  private var start = 0
  private var position = 0

  /// - Parameters:
  ///   - kind: of the list.
  ///   - limit: bytes of one object. At most this and one piece are buffered.
  init(kind: String, limit: Int) {
    self.kind = kind
    self.limit = limit
  }

  /// The number of unread bytes.
  var heldBytes: Int { buffer.count - start }

  /// Decodes all objects that the piece completes.
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

  /// Reads the next field; false if it is incomplete.
  private mutating func step(
    in bytes: RawSpan, _ read: RecordDecoder<Value>.ProtobufReader, _ known: StoreSnapshot<Value>
  ) throws(RecordError) -> Bool {
    switch state {
    case .magic:
      let rest = start..<bytes.byteCount
      guard rest.count >= ProtobufEnvelope.magic.count else { return false }
      guard ProtobufEnvelope.isAt(rest, in: bytes) else { throw RecordError("the Kubernetes protobuf prefix is missing") }
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
      case 2: if let record = try read(try field.range(), bytes, known).record() { page.records.append(record) }
      default: break
      }
    }
    return true
  }

  /// Reads the field and advances; `nil` if it is incomplete.
  private mutating func whole(_ head: ProtobufFieldHeader, in bytes: RawSpan) throws(RecordError) -> ProtobufField? {
    if head.value.count > limit {
      throw RecordError("an object of \(head.value.count) bytes at byte \(position); the limit is \(limit)")
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
    guard found == kind else { throw RecordError("kind '\(found)' instead of \(kind)") }
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
      if !encoding.isEmpty { throw RecordError("unsupported content encoding '\(encoding)'") }
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

  /// Returns the page if the stream is complete.
  func finish() throws(RecordError) -> RecordPage<Value> {
    guard case .envelope = state, start == buffer.count else {
      throw RecordError("it is truncated after \(position + buffer.count - start) bytes and \(page.records.count) objects")
    }
    try check(foundKind)
    guard hasList, !page.resourceVersion.isEmpty else { throw RecordError("the list has no metadata.resourceVersion") }
    return page
  }
}

/// Number and length of a field. Needs only the first bytes of the field.
struct ProtobufFieldHeader {
  let number: Int
  /// Whether it is length-delimited: a string, bytes or a message.
  let isDelimited: Bool
  let value: Range<Int>

  /// - Returns: `nil` if the header is incomplete at `end`.
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
      // Larger than memory, and small enough that adding a position cannot overflow.
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
      if shift > 63 { throw RecordError("a varint of more than ten bytes") }
    }
    return nil
  }
}
