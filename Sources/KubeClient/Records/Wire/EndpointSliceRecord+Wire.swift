internal import JSON
internal import Primitives

/// The fields of an EndpointSlice before packing, as ranges in a buffer.
struct EndpointSliceRecordBuilder {
  /// An endpoint whose target is a Pod.
  struct Endpoint {
    var addresses: [Range<Int>] = []
    var podNamespace = 0..<0
    var podName = 0..<0
    var isTerminating = false
  }

  var namespace = 0..<0
  var name = 0..<0
  var resourceVersion = 0..<0
  var service = 0..<0
  var addressType = EndpointSliceRecord.AddressType.fqdn
  var manager = EndpointSliceRecord.Manager.other
  var labels: [TextPair] = []
  var ports: [(name: Range<Int>, number: UInt16)] = []
  private var podEndpoints: [Endpoint] = []

  static let serviceLabel = "kubernetes.io/service-name"

  init() {}

  /// The addresses that service discovery makes targets of.
  func endpoints(in bytes: RawSpan) -> [EndpointSliceRecord.Endpoint] {
    guard addressType != .fqdn else { return [] }
    return podEndpoints.flatMap { endpoint in
      // The API server requires neither; the Pods of a Service are in its namespace.
      let podNamespace = endpoint.podNamespace.isEmpty ? namespace : endpoint.podNamespace
      let pod = bytes.withText(podNamespace) { namespace in
        bytes.withText(endpoint.podName) { EndpointSliceRecord.hash(namespace: namespace, name: $0) }
      }
      return endpoint.addresses.compactMap { address in
        IPAddress(bytes.text(address)).flatMap { address in
          address.family == (addressType == .ipv4 ? .ipv4 : .ipv6)
            ? EndpointSliceRecord.Endpoint(pod: pod, isTerminating: endpoint.isTerminating, address: address) : nil
        }
      }
    }
  }
}

extension EndpointSliceRecordBuilder {
  init(_ object: JSONValue, in arena: inout TextArena) {
    let metadata = object["metadata"]
    namespace = arena.add(metadata?["namespace"]?.string ?? "")
    name = arena.add(metadata?["name"]?.string ?? "")
    resourceVersion = arena.add(metadata?["resourceVersion"]?.string ?? "")
    let labels = (metadata?["labels"]?.object ?? [:]).compactMapValues(\.string)
    self.labels = arena.add(labels)
    service = arena.add(labels[Self.serviceLabel] ?? "")
    manager = EndpointSliceRecord.Manager(labels[EndpointSliceRecord.Manager.label] ?? "")
    addressType = EndpointSliceRecord.AddressType(object["addressType"]?.string ?? "")
    for port in object["ports"]?.array ?? [] {
      ports.append((arena.add(port["name"]?.string ?? ""), port["port"]?.integer.flatMap(UInt16.init(exactly:)) ?? 0))
    }
    for endpoint in object["endpoints"]?.array ?? [] where endpoint["targetRef"]?["kind"]?.string == "Pod" {
      podEndpoints.append(
        Endpoint(
          addresses: (endpoint["addresses"]?.array ?? []).compactMap(\.string).map { arena.add($0) },
          podNamespace: arena.add(endpoint["targetRef"]?["namespace"]?.string ?? ""),
          podName: arena.add(endpoint["targetRef"]?["name"]?.string ?? ""),
          isTerminating: endpoint["conditions"]?["terminating"]?.bool == true))
    }
  }
}

// Source of the field numbers: k8s.io/api/discovery/v1/generated.proto, and of `ObjectReference` k8s.io/api/core/v1/generated.proto.

extension EndpointSliceRecord {
  init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init(try EndpointSliceRecordBuilder(protobuf: object, in: bytes, keeping: filter), in: bytes)
  }
}

extension EndpointSliceRecordBuilder {
  /// `EndpointSlice`: metadata 1, endpoints 2, ports 3, addressType 4.
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
        for label in labels {
          if bytes.isEqual(label.key, Self.serviceLabel) { service = label.value }
          if bytes.isEqual(label.key, EndpointSliceRecord.Manager.label) { manager = .init(bytes.text(label.value)) }
        }
      case 2: try readEndpoint(field, in: bytes)
      case 3: try readPort(field, in: bytes)
      case 4: addressType = .init(try field.string(in: bytes))
      default: break
      }
    }
  }

  /// `Endpoint`: addresses 1, conditions 2, targetRef 4; `EndpointConditions`: terminating 3; `ObjectReference`: kind 1, namespace 2, name
  /// 3.
  private mutating func readEndpoint(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var endpoint = Endpoint()
    var isPod = false
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: endpoint.addresses.append(try field.range())
      case 2:
        var conditions = try field.fields()
        while let condition = try conditions.next(in: bytes) {
          if condition.number == 3 { endpoint.isTerminating = try condition.bool() }
        }
      case 4:
        var reference = try field.fields()
        while let field = try reference.next(in: bytes) {
          switch field.number {
          case 1: isPod = bytes.isEqual(try field.range(), "Pod")
          case 2: endpoint.podNamespace = try field.range()
          case 3: endpoint.podName = try field.range()
          default: break
          }
        }
      default: break
      }
    }
    if isPod { podEndpoints.append(endpoint) }
  }

  /// `EndpointPort`: name 1, port 3.
  private mutating func readPort(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var port: (name: Range<Int>, number: UInt16) = (0..<0, 0)
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: port.name = try field.range()
      case 3: port.number = UInt16(exactly: try field.integer()) ?? 0
      default: break
      }
    }
    ports.append(port)
  }
}

extension RecordDecoder where Value == EndpointSliceRecord {
  /// Decodes EndpointSlices.
  public static func endpointSlices() -> RecordDecoder {
    let filter = MetadataFilter(keepsLabels: true, annotationPrefixes: [])
    return RecordDecoder(
      kind: APIResource.endpointSlices.kind, wire: JSONValue.self, convert: { .record(EndpointSliceRecord($0)) },
      protobuf: { object, bytes, known throws(RecordError) in
        .record(known.reusing(try EndpointSliceRecord(protobuf: object, in: bytes, keeping: filter)))
      })
  }
}
