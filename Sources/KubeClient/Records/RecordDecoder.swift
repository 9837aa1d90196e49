internal import FoundationEssentials
public import JSON
internal import Primitives

/// What is kept of an object, and how it is read from the formats of the API server.
public struct RecordDecoder<Value: Record>: Sendable {
  /// What to ask the server for.
  let accept: String
  let kind: String
  /// Reads an object from where it is in a buffer. What is known already is taken as it is in memory.
  typealias ProtobufReader = @Sendable (Range<Int>, RawSpan, StoreSnapshot<Value>) throws(RecordError) -> Value

  private let readProtobuf: ProtobufReader?
  private let readJSONPage: @Sendable (Data, StoreSnapshot<Value>) throws -> RecordPage<Value>
  private let readJSONEvent: @Sendable (Data, StoreSnapshot<Value>) throws -> WatchEvent<Value>

  /// - Parameters:
  ///   - wire: the object's shape in JSON.
  ///   - convert: what is kept of it.
  ///   - protobuf: `nil` for resources without this format.
  init<Wire: Decodable & SendableMetatype>(
    kind: String, wire: Wire.Type, convert: @escaping @Sendable (Wire) throws -> Value,
    protobuf: ProtobufReader?
  ) {
    self.kind = kind
    accept = protobuf == nil ? MediaType.json : MediaType.either
    readProtobuf = protobuf
    readJSONPage = { data, known in
      try WireList<Wire>.read(data, kind: kind).page { known.reusing(try convert($0)) }
    }
    readJSONEvent = { data, known in
      try WireEvent<Wire>.read(data, kind: kind).event { known.reusing(try convert($0)) }
    }
  }

  /// Reads objects of a kind that this module has no record of, custom resources among them, in JSON.
  /// - Parameter convert: what is kept of an object; an error that it throws ends the list or watch, which is then tried again.
  public init(kind: String, convert: @escaping @Sendable (JSONValue) throws -> Value) {
    self.init(kind: kind, wire: JSONValue.self, convert: convert, protobuf: nil)
  }
}

extension RecordDecoder {
  /// Reads a whole answer to a list, as `ListReader` reads one that is still coming.
  func page(_ body: [UInt8], contentType: String) throws(RecordError) -> RecordPage<Value> {
    var reader = ListReader(self, contentType: contentType, limit: .max)
    try reader.append(body)
    return try reader.finish()
  }

  /// Reads a list in JSON.
  /// - Parameter known: what the store has: records that are equal to these are these.
  func jsonPage(_ body: [UInt8], known: StoreSnapshot<Value>) throws(RecordError) -> RecordPage<Value> {
    try json { try readJSONPage(Data(body), known) }
  }

  /// What reads an object in protobuf.
  func protobufReader() throws(RecordError) -> ProtobufReader {
    guard let readProtobuf else { throw RecordError("\(kind) came as protobuf, which was not asked for") }
    return readProtobuf
  }

  /// Reads one event of a watch.
  /// - Parameter known: what the store has: a record that is equal to one of these is that one.
  func event(
    _ frame: Range<Int>, of buffer: [UInt8], format: WireFormat, known: StoreSnapshot<Value>
  ) throws(RecordError) -> WatchEvent<Value> {
    switch format {
    case .json:
      return try json { try readJSONEvent(Data(buffer[frame]), known) }
    case .protobuf:
      let read = try protobufReader()
      return try WatchEvent(protobuf: frame, in: buffer.span.bytes, kind: kind) { object, bytes throws(RecordError) in
        try read(object, bytes, known)
      }
    }
  }

  private func json<Result>(_ body: () throws -> Result) throws(RecordError) -> Result {
    do {
      return try body()
    } catch let error as RecordError {
      throw error
    } catch {
      throw RecordError(json: error)
    }
  }
}

extension RecordDecoder where Value == NodeRecord {
  /// Reads Nodes.
  /// - Parameter annotationPrefixes: which annotations are kept; those that start with one of these.
  public static func nodes(annotationPrefixes: [String] = []) -> RecordDecoder {
    let filter = MetadataFilter(keepsLabels: true, annotationPrefixes: annotationPrefixes)
    let names = NameTable()
    return RecordDecoder(
      kind: APIResource.nodes.kind, wire: WireNode.self, convert: { NodeRecord($0, keeping: filter) },
      protobuf: { object, bytes, known throws(RecordError) in
        known.reusing(try NodeRecord(protobuf: object, in: bytes, keeping: filter, names: names))
      })
  }
}

extension RecordDecoder where Value == PodRecord {
  /// Reads Pods.
  /// - Parameter annotationPrefixes: which annotations are kept; those that start with one of these.
  public static func pods(annotationPrefixes: [String] = []) -> RecordDecoder {
    let filter = MetadataFilter(keepsLabels: false, annotationPrefixes: annotationPrefixes)
    let names = NameTable()
    return RecordDecoder(
      kind: APIResource.pods.kind, wire: WirePod.self, convert: { PodRecord($0, keeping: filter) },
      protobuf: { object, bytes, known throws(RecordError) in
        try PodRecord(protobuf: object, in: bytes, keeping: filter, known: known, names: names)
      })
  }
}

/// The formats in which the API server answers.
enum WireFormat: Hashable, Sendable {
  case json, protobuf

  /// - Parameter contentType: the header's value; parameters such as `;stream=watch` say nothing that matters here.
  init(contentType: String) throws(RecordError) {
    let type = contentType.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
    switch type {
    case MediaType.json: self = .json
    case MediaType.protobuf: self = .protobuf
    default: throw RecordError("an answer of the type '\(contentType)'")
    }
  }
}

/// Which of an object's labels and annotations a record keeps.
struct MetadataFilter: Sendable {
  var keepsLabels: Bool
  /// An annotation is kept if its key starts with one of these.
  private let annotationPrefixes: [[UInt8]]

  init(keepsLabels: Bool, annotationPrefixes: [String]) {
    self.keepsLabels = keepsLabels
    self.annotationPrefixes = annotationPrefixes.map { Array($0.utf8) }
  }

  var keepsAnnotations: Bool { !annotationPrefixes.isEmpty }

  func keeps(annotation key: String) -> Bool {
    annotationPrefixes.contains { key.utf8.starts(with: $0) }
  }

  /// - Parameter key: where it is in the bytes.
  func keeps(annotation key: Range<Int>, in bytes: RawSpan) -> Bool {
    bytes.extracting(key).withUnsafeBytes { key in annotationPrefixes.contains { key.starts(with: $0) } }
  }
}
