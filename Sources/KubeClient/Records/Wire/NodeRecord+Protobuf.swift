internal import Primitives

// Source of the field numbers: k8s.io/api/core/v1/generated.proto, named at each message.

extension NodeRecord {
  init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter, names: NameTable) throws(RecordError) {
    self.init(try NodeRecordBuilder(protobuf: object, in: bytes, keeping: filter), in: bytes, names: names)
  }
}

extension NodeRecordBuilder {
  /// `Node`: metadata 1, status 3.
  fileprivate init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init()
    var fields = ProtobufFields(object)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1:
        let metadata = try ProtobufMetadata(field, in: bytes, keeping: filter)
        name = metadata.name
        uid = metadata.uid
        resourceVersion = metadata.resourceVersion
        labels = metadata.labels
        annotations = metadata.annotations
      case 3: try readStatus(field, in: bytes)
      default: break
      }
    }
  }

  /// `NodeStatus`: conditions 4, addresses 5, daemonEndpoints 6, nodeInfo 7; `NodeAddress`: type 1, address 2.
  private mutating func readStatus(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 4: try readCondition(field, in: bytes)
      case 5: addresses.append(try TextPair(field, in: bytes))
      case 6: try readDaemonEndpoints(field, in: bytes)
      case 7: try readSystemInfo(field, in: bytes)
      default: break
      }
    }
  }

  /// `NodeCondition`: type 1, status 2.
  private mutating func readCondition(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var (type, status) = (0..<0, 0..<0)
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: type = try field.range()
      case 2: status = try field.range()
      default: break
      }
    }
    if bytes.text(type) == "Ready" { ready = bytes.text(status) == "True" }
  }

  /// `NodeDaemonEndpoints`: kubeletEndpoint 1; `DaemonEndpoint`: Port 1.
  private mutating func readDaemonEndpoints(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var endpoints = try field.fields()
    while let endpoint = try endpoints.next(in: bytes) {
      guard endpoint.number == 1 else { continue }
      var fields = try endpoint.fields()
      while let field = try fields.next(in: bytes) {
        if field.number == 1 { kubeletPort = UInt16(exactly: try field.integer()) ?? 0 }
      }
    }
  }

  /// `NodeSystemInfo`: operatingSystem 9.
  private mutating func readSystemInfo(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      if field.number == 9 { operatingSystem = try field.range() }
    }
  }
}
