internal import JSON
internal import Primitives

/// The fields of a Service before packing, as ranges in a buffer.
struct ServiceRecordBuilder {
  struct Port {
    var name = 0..<0
    var number: UInt16 = 0
    /// Empty if the target is a number.
    var targetName = 0..<0
    /// 0 if it is not set.
    var targetNumber: UInt16 = 0
  }

  var namespace = 0..<0
  var name = 0..<0
  var resourceVersion = 0..<0
  var labels: [TextPair] = []
  var annotations: [TextPair] = []
  var selector: [TextPair] = []
  var ports: [Port] = []
  var flags: ServiceRecord.Flags = []
}

extension ServiceRecordBuilder {
  init(_ object: JSONValue, in arena: inout TextArena) {
    let (metadata, spec) = (object["metadata"], object["spec"])
    namespace = arena.add(metadata?["namespace"]?.string ?? "")
    name = arena.add(metadata?["name"]?.string ?? "")
    resourceVersion = arena.add(metadata?["resourceVersion"]?.string ?? "")
    labels = arena.add(metadata?["labels"].texts ?? [:])
    annotations = arena.add((metadata?["annotations"].texts ?? [:]).filter { $0.key.hasPrefix(ScrapeFacts.annotationPrefix) })
    selector = arena.add(spec?["selector"].texts ?? [:])
    for port in spec?["ports"]?.array ?? [] {
      ports.append(
        Port(
          name: arena.add(port["name"]?.string ?? ""), number: port["port"].portNumber,
          targetName: arena.add(port["targetPort"]?.string ?? ""), targetNumber: port["targetPort"].portNumber))
    }
    if spec?["type"]?.string == "ExternalName" { flags.insert(.isExternalName) }
    if spec?["publishNotReadyAddresses"]?.bool == true { flags.insert(.publishesNotReadyAddresses) }
    if spec?["ipFamilies"]?[0]?.string == "IPv6" { flags.insert(.isIPv6First) }
  }
}

extension JSONValue? {
  /// The members that are strings.
  fileprivate var texts: [String: String] {
    (self?.object ?? [:]).compactMapValues(\.string)
  }

  /// 0 if this is not a port number.
  fileprivate var portNumber: UInt16 { self?.integer.flatMap(UInt16.init(exactly:)) ?? 0 }
}

// Source of the field numbers: k8s.io/api/core/v1/generated.proto and k8s.io/apimachinery/pkg/util/intstr/generated.proto.

extension ServiceRecord {
  init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init(try ServiceRecordBuilder(protobuf: object, in: bytes, keeping: filter), in: bytes)
  }
}

extension ServiceRecordBuilder {
  /// `Service`: metadata 1, spec 2.
  fileprivate init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init()
    var fields = ProtobufFields(object)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1:
        let metadata = try ProtobufMetadata(field, in: bytes, keeping: filter)
        namespace = metadata.namespace
        name = metadata.name
        resourceVersion = metadata.resourceVersion
        labels = metadata.labels
        annotations = metadata.annotations
      case 2: try readSpecification(field, in: bytes)
      default: break
      }
    }
  }

  /// `ServiceSpec`: ports 1, selector 2, type 4, publishNotReadyAddresses 13, ipFamilies 19.
  private mutating func readSpecification(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var isFirstFamily = true
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: ports.append(try Port(field, in: bytes))
      case 2: selector.append(try TextPair(field, in: bytes))
      case 4: if bytes.isEqual(try field.range(), "ExternalName") { flags.insert(.isExternalName) }
      case 13: if try field.bool() { flags.insert(.publishesNotReadyAddresses) }
      case 19:
        if isFirstFamily, bytes.isEqual(try field.range(), "IPv6") { flags.insert(.isIPv6First) }
        isFirstFamily = false
      default: break
      }
    }
  }
}

extension ServiceRecordBuilder.Port {
  /// `ServicePort`: name 1, port 3, targetPort 4; `IntOrString`: type 1 (1 for a string), intVal 2, strVal 3.
  fileprivate init(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    self.init()
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: name = try field.range()
      case 3: number = UInt16(exactly: try field.integer()) ?? 0
      case 4:
        var fields = try field.fields()
        while let field = try fields.next(in: bytes) {
          switch field.number {
          case 2: targetNumber = UInt16(exactly: try field.integer()) ?? 0
          case 3: targetName = try field.range()
          default: break
          }
        }
      default: break
      }
    }
  }
}

extension RecordDecoder where Value == ServiceRecord {
  /// Decodes Services.
  public static func services() -> RecordDecoder {
    let filter = MetadataFilter(keepsLabels: true, annotationPrefixes: [ScrapeFacts.annotationPrefix])
    return RecordDecoder(
      kind: APIResource.services.kind, wire: JSONValue.self, convert: { .record(ServiceRecord($0)) },
      protobuf: { object, bytes, known throws(RecordError) in
        .record(known.reusing(try ServiceRecord(protobuf: object, in: bytes, keeping: filter)))
      })
  }
}
