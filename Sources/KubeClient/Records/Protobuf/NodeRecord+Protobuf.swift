// Source of the field numbers: k8s.io/api/core/v1/generated.proto, named at each message.

extension NodeRecord {
  /// `Node`: metadata 1, status 3.
  init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init(name: "")
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

  /// `NodeStatus`: conditions 4, addresses 5, daemonEndpoints 6, nodeInfo 7.
  private mutating func readStatus(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 4: try readCondition(field, in: bytes)
      case 5: addresses.append(try NodeAddress(field, in: bytes))
      case 6: try readDaemonEndpoints(field, in: bytes)
      case 7: try readSystemInfo(field, in: bytes)
      default: break
      }
    }
  }

  /// `NodeCondition`: type 1, status 2.
  private mutating func readCondition(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var (type, status) = ("", "")
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: type = try field.string(in: bytes)
      case 2: status = try field.string(in: bytes)
      default: break
      }
    }
    if type == "Ready" { ready = status == "True" }
  }

  /// `NodeDaemonEndpoints`: kubeletEndpoint 1; `DaemonEndpoint`: Port 1.
  private mutating func readDaemonEndpoints(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var endpoints = try field.fields()
    while let endpoint = try endpoints.next(in: bytes) {
      guard endpoint.number == 1 else { continue }
      var fields = try endpoint.fields()
      while let field = try fields.next(in: bytes) {
        if field.number == 1 { kubeletPort = Self.port(try field.integer()) }
      }
    }
  }

  /// `NodeSystemInfo`: operatingSystem 9.
  private mutating func readSystemInfo(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      if field.number == 9 { operatingSystem = try field.string(in: bytes) }
    }
  }

  /// 0 stands for none: protobuf writes the number even where nobody set it.
  static func port(_ number: Int64) -> Int? {
    (1...65535).contains(number) ? Int(number) : nil
  }
}

extension NodeAddress {
  /// `NodeAddress`: type 1, address 2.
  fileprivate init(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    self.init(type: "", address: "")
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: type = try field.string(in: bytes)
      case 2: address = try field.string(in: bytes)
      default: break
      }
    }
  }
}
