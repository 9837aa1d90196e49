// Source of the field numbers: k8s.io/api/core/v1/generated.proto, named at each message.

extension PodRecord {
  /// `Pod`: metadata 1, spec 2, status 3.
  init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init(namespace: "", name: "")
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
    containers = assembly.containers()
  }

  /// `PodSpec`: containers 2, nodeName 10, hostNetwork 11, securityContext 14, initContainers 20, ephemeralContainers 34;
  /// `PodSecurityContext`: windowsOptions 8.
  private mutating func readSpecification(
    _ field: ProtobufField, in bytes: RawSpan, into assembly: inout ContainerAssembly
  ) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 2: assembly.add(try ContainerSpecification(field, in: bytes), .regular)
      case 10:
        let name = try field.string(in: bytes)
        nodeName = name.isEmpty ? nil : name
      case 11: hostNetwork = try field.bool()
      case 14: assembly.podHostProcess = try windowsHostProcess(field, options: 8, in: bytes)
      case 20: assembly.add(try ContainerSpecification(field, in: bytes), .initialization)
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
      if field.number == 1 { assembly.add(try ContainerSpecification(field, in: bytes), .ephemeral) }
    }
  }

  /// `PodStatus`: phase 1, podIP 6, containerStatuses 8, initContainerStatuses 10, podIPs 12, ephemeralContainerStatuses 13.
  private mutating func readStatus(
    _ field: ProtobufField, in bytes: RawSpan, into assembly: inout ContainerAssembly
  ) throws(RecordError) {
    var first = ""
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: phase = try field.string(in: bytes)
      case 6: first = try field.string(in: bytes)
      case 8: assembly.add(try ContainerStatus(field, in: bytes), .regular)
      case 10: assembly.add(try ContainerStatus(field, in: bytes), .initialization)
      case 12: try readIP(field, in: bytes)
      case 13: assembly.add(try ContainerStatus(field, in: bytes), .ephemeral)
      default: break
      }
    }
    if podIPs.isEmpty, !first.isEmpty { podIPs = [first] }
  }

  /// `PodIP`: ip 1.
  private mutating func readIP(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      if field.number == 1 { podIPs.append(try field.string(in: bytes)) }
    }
  }
}
