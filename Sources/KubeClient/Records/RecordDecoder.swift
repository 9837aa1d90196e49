internal import FoundationEssentials
public import JSON
internal import Primitives

/// Decodes the objects of one kind into records, from JSON or protobuf.
public struct RecordDecoder<Value: Record>: Sendable {
  /// The `Accept` header.
  let accept: String
  let kind: String
  /// Reads an object at a range of a buffer. Reuses equal records of the snapshot.
  typealias ProtobufReader = @Sendable (Range<Int>, RawSpan, StoreSnapshot<Value>) throws(RecordError) -> DecodedObject<Value>

  private let readProtobuf: ProtobufReader?
  private let readJSONPage: @Sendable (Data, StoreSnapshot<Value>) throws -> RecordPage<Value>
  private let readJSONEvent: @Sendable (Data, StoreSnapshot<Value>) throws -> WatchEvent<Value>

  /// - Parameters:
  ///   - wire: the JSON representation.
  ///   - convert: makes a record of it.
  ///   - protobuf: `nil` for resources without protobuf.
  init<Wire: Decodable & SendableMetatype>(
    kind: String, wire: Wire.Type, convert: @escaping @Sendable (Wire) throws -> DecodedObject<Value>,
    protobuf: ProtobufReader?
  ) {
    self.kind = kind
    accept = protobuf == nil ? MediaType.leanJSON : MediaType.leanEither
    readProtobuf = protobuf
    readJSONPage = { data, known in
      try WireList<Wire>.read(data, kind: kind).page { try convert($0).reusing(known) }
    }
    readJSONEvent = { data, known in
      try WireEvent<Wire>.read(data, kind: kind).event { try convert($0).reusing(known) }
    }
  }

  /// Decodes any kind from JSON, including custom resources.
  /// - Parameter convert: makes a record of an object. An error fails the list or watch, which is then retried.
  public init(kind: String, convert: @escaping @Sendable (JSONValue) throws -> Value) {
    self.init(kind: kind, wire: JSONValue.self, convert: { .record(try convert($0)) }, protobuf: nil)
  }
}

extension RecordDecoder {
  /// Decodes a complete list response.
  func page(_ body: [UInt8], contentType: String) throws(RecordError) -> RecordPage<Value> {
    var reader = ListReader(self, contentType: contentType, limit: .max)
    try reader.append(body)
    return try reader.finish()
  }

  /// Decodes a list from JSON.
  /// - Parameter known: equal records are taken from this snapshot.
  func jsonPage(_ body: [UInt8], known: StoreSnapshot<Value>) throws(RecordError) -> RecordPage<Value> {
    try json { try readJSONPage(Data(body), known) }
  }

  func protobufReader() throws(RecordError) -> ProtobufReader {
    guard let readProtobuf else { throw RecordError("unexpected protobuf response for \(kind)") }
    return readProtobuf
  }

  /// Decodes one watch event.
  /// - Parameter known: an equal record is taken from this snapshot.
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
  /// Decodes Nodes.
  /// - Parameter annotationPrefixes: keeps the annotations that start with one of these.
  public static func nodes(annotationPrefixes: [String] = []) -> RecordDecoder {
    let filter = MetadataFilter(keepsLabels: true, annotationPrefixes: annotationPrefixes)
    let names = NameTable()
    return RecordDecoder(
      kind: APIResource.nodes.kind, wire: WireNode.self, convert: { .record(NodeRecord($0, keeping: filter)) },
      protobuf: { object, bytes, known throws(RecordError) in
        .record(known.reusing(try NodeRecord(protobuf: object, in: bytes, keeping: filter, names: names)))
      })
  }
}

extension RecordDecoder where Value == PodRecord {
  /// Decodes Pods.
  /// - Parameters:
  ///   - annotationPrefixes: keeps the annotations that start with one of these.
  ///   - keepsScrapeFacts: keeps `PodRecord.scrapeFacts`.
  public static func pods(annotationPrefixes: [String] = [], keepsScrapeFacts: Bool = false) -> RecordDecoder {
    pods(annotationPrefixes: annotationPrefixes, keepsScrapeFacts: keepsScrapeFacts, selection: .all)
  }

  /// Decodes the selected Pods. Of any other, only name, node and version are read.
  package static func pods(annotationPrefixes: [String], keepsScrapeFacts: Bool, selection: PodSelection) -> RecordDecoder {
    let filter = MetadataFilter(
      keepsLabels: keepsScrapeFacts, annotationPrefixes: annotationPrefixes + (keepsScrapeFacts ? [ScrapeFacts.annotationPrefix] : []))
    let names = NameTable()
    return RecordDecoder(
      kind: APIResource.pods.kind, wire: WirePod.self,
      convert: { pod in
        selection.contains(pod)
          ? .record(PodRecord(pod, keeping: filter)) : .leftOut(resourceVersion: pod.metadata?.resourceVersion ?? "")
      },
      protobuf: { object, bytes, known throws(RecordError) in
        if let version = try selection.versionIfLeftOut(object, in: bytes) { return .leftOut(resourceVersion: version) }
        return .record(try PodRecord(protobuf: object, in: bytes, keeping: filter, known: known, names: names))
      })
  }
}

/// What a decoder makes of an object.
enum DecodedObject<Value: Record> {
  case record(Value)
  /// The object does not belong in the store. Its version still counts as received.
  case leftOut(resourceVersion: String)

  /// The record, replaced by the snapshot's if they are equal.
  func reusing(_ known: StoreSnapshot<Value>) -> Self {
    guard case .record(let record) = self else { return self }
    return .record(known.reusing(record))
  }

  /// `nil` if the object is left out.
  /// - Throws: `RecordError` for an object without a name.
  func record() throws(RecordError) -> Value? {
    guard case .record(let record) = self else { return nil }
    return try record.named()
  }
}

/// The format of a response.
enum WireFormat: Hashable, Sendable {
  case json, protobuf

  /// - Parameter contentType: the header; its parameters, such as `;stream=watch`, are ignored.
  init(contentType: String) throws(RecordError) {
    let type = contentType.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
    switch type {
    case MediaType.json: self = .json
    case MediaType.protobuf: self = .protobuf
    default: throw RecordError("unsupported content type '\(contentType)'")
    }
  }
}

/// The labels and annotations that a record keeps.
struct MetadataFilter: Sendable {
  var keepsLabels: Bool
  /// Keys of kept annotations start with one of these.
  private let annotationPrefixes: [[UInt8]]

  init(keepsLabels: Bool, annotationPrefixes: [String]) {
    self.keepsLabels = keepsLabels
    self.annotationPrefixes = annotationPrefixes.map { Array($0.utf8) }
  }

  var keepsAnnotations: Bool { !annotationPrefixes.isEmpty }

  func keeps(annotation key: String) -> Bool {
    annotationPrefixes.contains { key.utf8.starts(with: $0) }
  }

  /// - Parameter key: a range in `bytes`.
  func keeps(annotation key: Range<Int>, in bytes: RawSpan) -> Bool {
    bytes.extracting(key).withUnsafeBytes { key in annotationPrefixes.contains { key.starts(with: $0) } }
  }
}
