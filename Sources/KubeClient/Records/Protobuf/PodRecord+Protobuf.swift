internal import Primitives

// Source of the field numbers: k8s.io/api/core/v1/generated.proto, named at each message.

extension PodRecord {
  init(
    protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter, known: StoreSnapshot<PodRecord>, names: NameTable
  ) throws(RecordError) {
    let draft = try PodDraft(protobuf: object, in: bytes, keeping: filter)
    let older = bytes.withText(draft.name) { name in bytes.withText(draft.namespace) { known.pod(named: name, in: $0) } }
    self.init(draft, in: bytes, older: older, names: names)
  }
}

extension PodDraft {
  /// `Pod`: metadata 1, spec 2, status 3.
  fileprivate init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init()
    var assembly = ContainerAssembly()
    var fields = ProtobufFields(object)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1:
        let metadata = try ProtobufMetadata(field, in: bytes, keeping: filter)
        namespace = metadata.namespace
        name = metadata.name
        uid = metadata.uid
        resourceVersion = metadata.resourceVersion
        annotations = metadata.annotations
        isBeingDeleted = metadata.isBeingDeleted
      case 2: try readSpecification(field, in: bytes, into: &assembly)
      case 3: try readStatus(field, in: bytes, into: &assembly)
      default: break
      }
    }
    containers = assembly.containers(in: bytes)
  }

  /// `PodSpec`: containers 2, nodeName 10, hostNetwork 11, securityContext 14, initContainers 20, ephemeralContainers 34;
  /// `PodSecurityContext`: windowsOptions 8.
  private mutating func readSpecification(
    _ field: ProtobufField, in bytes: RawSpan, into assembly: inout ContainerAssembly
  ) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 2: assembly.add(specification: try ContainerDraft(specification: field, .regular, in: bytes))
      case 10: nodeName = try field.range()
      case 11: hostNetwork = try field.bool()
      case 14: assembly.podHostProcess = try windowsHostProcess(field, options: 8, in: bytes)
      case 20: assembly.add(specification: try ContainerDraft(specification: field, .initialization, in: bytes))
      case 34: try readEphemeralContainer(field, in: bytes, into: &assembly)
      default: break
      }
    }
  }

  /// `EphemeralContainer`: ephemeralContainerCommon 1, whose fields have the numbers of `Container`'s.
  private func readEphemeralContainer(
    _ field: ProtobufField, in bytes: RawSpan, into assembly: inout ContainerAssembly
  ) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      if field.number == 1 { assembly.add(specification: try ContainerDraft(specification: field, .ephemeral, in: bytes)) }
    }
  }

  /// `PodStatus`: phase 1, podIP 6, containerStatuses 8, initContainerStatuses 10, podIPs 12, ephemeralContainerStatuses 13.
  private mutating func readStatus(
    _ field: ProtobufField, in bytes: RawSpan, into assembly: inout ContainerAssembly
  ) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: phase = try field.range()
      case 6: podIP = try field.range()
      case 8: assembly.add(status: try ContainerDraft(status: field, .regular, in: bytes))
      case 10: assembly.add(status: try ContainerDraft(status: field, .initialization, in: bytes))
      case 12: try readIP(field, in: bytes)
      case 13: assembly.add(status: try ContainerDraft(status: field, .ephemeral, in: bytes))
      default: break
      }
    }
  }

  /// `PodIP`: ip 1.
  private mutating func readIP(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      if field.number == 1 { podIPs.append(try field.range()) }
    }
  }
}
