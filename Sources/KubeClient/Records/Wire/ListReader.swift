internal import FoundationEssentials

/// Reads an answer to a list while it comes in: bytes go in, in pieces of any size, and records come out.
///
/// Protobuf is read object by object, so that no more than one object and one piece are held, however long the list. JSON is gathered, and read
/// when it is whole: a server that has no protobuf for a resource sends it in pages.
struct ListReader<Value: Record> {
  /// How much of an answer that cannot be read is shown.
  private static var shownBytes: Int { 120 }

  private let decoder: RecordDecoder<Value>
  private let contentType: String
  private let known: StoreSnapshot<Value>
  private var content: Content
  private var count = 0
  /// For the error, if there is one.
  private var beginning: [UInt8] = []

  private enum Content {
    case json([UInt8])
    case protobuf(ProtobufListScanner<Value>)
    /// Only the beginning is waited for, to show it.
    case other(RecordError)
  }

  /// - Parameters:
  ///   - limit: bytes of one object.
  ///   - known: what the store has: records that are equal to these are these.
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
      content = .other(error)
    }
  }

  /// Takes the next piece.
  mutating func append(_ piece: [UInt8]) throws(RecordError) {
    if beginning.count < Self.shownBytes { beginning += piece.prefix(Self.shownBytes - beginning.count) }
    count += piece.count
    switch content {
    case .json(var body):
      content = .json([])
      if body.isEmpty { body = piece } else { body += piece }
      content = .json(body)
    case .protobuf(var scanner):
      // Taken out, so that its records have one owner and grow in place.
      content = .json([])
      do throws(RecordError) {
        try scanner.append(piece, reading: decoder.protobufReader(), known: known)
      } catch {
        throw unreadable(error)
      }
      content = .protobuf(scanner)
    case .other(let error):
      if beginning.count >= Self.shownBytes { throw unreadable(error) }
    }
  }

  /// What it comes to, now that all of it is there.
  mutating func finish() throws(RecordError) -> RecordPage<Value> {
    do throws(RecordError) {
      switch content {
      case .json(let body): return try decoder.jsonPage(body, known: known)
      case .protobuf(let scanner): return try scanner.finish()
      case .other(let error): throw error
      }
    } catch {
      throw unreadable(error)
    }
  }

  /// What was asked for, what came, and what is wrong with it.
  private func unreadable(_ error: RecordError) -> RecordError {
    let type = contentType.isEmpty ? "no content type" : contentType
    return RecordError(
      "a list of \(decoder.kind), \(count) bytes of \(type) so far, cannot be read: \(error); it begins \(beginning.shown)")
  }
}

extension Sequence<UInt8> {
  /// As text in quotation marks, for people: what is not printable ASCII is a dot.
  var shown: String {
    "'" + String(decoding: map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self) + "'"
  }
}

/// A list as it stands in JSON.
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
    guard list.kind == "\(kind)List" else { throw RecordError("kind '\(list.kind ?? "")' where a \(kind)List was asked for") }
    return list
  }

  func page<Value: Record>(_ convert: (Wire) throws -> Value) throws -> RecordPage<Value> {
    guard let version = metadata?.resourceVersion, !version.isEmpty else { throw RecordError("a list without metadata.resourceVersion") }
    let token = metadata?.continue ?? ""
    return RecordPage(
      records: try (items ?? []).map { try convert($0).named() }, resourceVersion: version, continueToken: token.isEmpty ? nil : token)
  }
}

/// A page of a list, its objects already records.
struct RecordPage<Value: Record>: Equatable, Sendable {
  var records: [Value] = []
  /// Of the list as a whole; what a watch may start from.
  var resourceVersion = ""
  /// What fetches the next page; `nil` on the last one.
  var continueToken: String?
}
