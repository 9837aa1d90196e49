internal import FoundationEssentials

/// Decodes a list response incrementally, from pieces of any size.
///
/// Protobuf is decoded object by object, so only one object and one piece are buffered, however long the list is. JSON is buffered and
/// decoded at the end; resources without protobuf come in pages.
struct ListReader<Value: Record> {
  /// The part of an undecodable response that the error quotes.
  private static var quotedBytes: Int { 120 }

  private let decoder: RecordDecoder<Value>
  private let contentType: String
  private let known: StoreSnapshot<Value>
  private var content: Content
  private var count = 0
  /// The start of the response, for errors.
  private var beginning: [UInt8] = []

  private enum Content {
    case json([UInt8])
    case protobuf(ProtobufListScanner<Value>)
    /// An unsupported format: waits for enough bytes to quote.
    case unsupported(RecordError)
  }

  /// - Parameters:
  ///   - limit: bytes of one object.
  ///   - known: equal records are taken from this snapshot.
  init(_ decoder: RecordDecoder<Value>, contentType: String, limit: Int, known: StoreSnapshot<Value> = StoreSnapshot()) {
    self.decoder = decoder
    self.contentType = contentType
    self.known = known
    do throws(RecordError) {
      switch try WireFormat(contentType: contentType) {
      case .json: content = .json([])
      case .protobuf: content = .protobuf(ProtobufListScanner(kind: "\(decoder.kind)List", limit: limit))
      }
    } catch {
      content = .unsupported(error)
    }
  }

  /// Decodes the next piece.
  mutating func append(_ piece: [UInt8]) throws(RecordError) {
    if beginning.count < Self.quotedBytes { beginning += piece.prefix(Self.quotedBytes - beginning.count) }
    count += piece.count
    switch content {
    case .json(var body):
      content = .json([])
      if body.isEmpty { body = piece } else { body += piece }
      content = .json(body)
    case .protobuf(var scanner):
      // Moved out, so that its records have one owner and grow in place.
      content = .json([])
      do throws(RecordError) {
        try scanner.append(piece, reading: decoder.protobufReader(), known: known)
      } catch {
        throw unreadable(error)
      }
      content = .protobuf(scanner)
    case .unsupported(let error):
      if beginning.count >= Self.quotedBytes { throw unreadable(error) }
    }
  }

  /// Returns the page at the end of the response.
  mutating func finish() throws(RecordError) -> RecordPage<Value> {
    do throws(RecordError) {
      switch content {
      case .json(let body): return try decoder.jsonPage(body, known: known)
      case .protobuf(let scanner): return try scanner.finish()
      case .unsupported(let error): throw error
      }
    } catch {
      throw unreadable(error)
    }
  }

  /// Adds the kind, the size, the format and the start of the response to an error.
  private func unreadable(_ error: RecordError) -> RecordError {
    let type = contentType.isEmpty ? "no content type" : contentType
    return RecordError(
      "a list of \(decoder.kind), \(count) bytes of \(type) so far, cannot be decoded: \(error); it starts with \(beginning.quoted)")
  }
}

extension Sequence<UInt8> {
  /// Quoted text for people; bytes that are not printable ASCII become dots.
  var quoted: String {
    "'" + String(decoding: map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self) + "'"
  }
}

/// A list in JSON.
struct WireList<Wire: Decodable>: Decodable {
  struct Metadata: Decodable {
    var resourceVersion: String?
    var `continue`: String?
  }
  var kind: String?
  var metadata: Metadata?
  var items: [Wire]?

  static func read(_ data: Data, kind: String) throws -> WireList {
    let list = try JSONDecoder().decode(WireList.self, from: data)
    guard list.kind == "\(kind)List" else { throw RecordError("kind '\(list.kind ?? "")' instead of \(kind)List") }
    return list
  }

  func page<Value: Record>(_ convert: (Wire) throws -> DecodedObject<Value>) throws -> RecordPage<Value> {
    guard let version = metadata?.resourceVersion, !version.isEmpty else { throw RecordError("the list has no metadata.resourceVersion") }
    let token = metadata?.continue ?? ""
    return RecordPage(
      records: try (items ?? []).compactMap { try convert($0).record() }, resourceVersion: version,
      continueToken: token.isEmpty ? nil : token)
  }
}

/// A page of a list.
struct RecordPage<Value: Record>: Equatable, Sendable {
  var records: [Value] = []
  /// The version of the whole list, to start a watch from.
  var resourceVersion = ""
  /// Requests the next page; `nil` on the last page.
  var continueToken: String?
}
