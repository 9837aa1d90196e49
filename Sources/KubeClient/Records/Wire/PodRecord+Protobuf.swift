internal import Primitives

// Source of the field numbers: k8s.io/api/core/v1/generated.proto, named at each message.

extension PodRecord {
  init(
    protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter, known: StoreSnapshot<PodRecord>, names: NameTable
  ) throws(RecordError) {
    let builder = try PodRecordBuilder(protobuf: object, in: bytes, keeping: filter)
    let older = bytes.withText(builder.name) { name in bytes.withText(builder.namespace) { known.pod(named: name, in: $0) } }
    self.init(builder, in: bytes, older: older, names: names)
  }
}

extension PodRecordBuilder {
  /// `Pod`: metadata 1, spec 2, status 3.
  fileprivate init(protobuf object: Range<Int>, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    self.init()
    keepsScrapeFacts = filter.keepsLabels
    var assembly = ContainerListBuilder()
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
        labels = metadata.labels
        deletionTimestamp = metadata.deletionTimestamp
        workload = WorkloadBuilder(controller: metadata.controller, templateHash: metadata.templateHash, in: bytes)
      case 2: try readSpecification(field, in: bytes, keepsPorts: filter.keepsLabels, into: &assembly)
      case 3: try readStatus(field, in: bytes, into: &assembly)
      default: break
      }
    }
    containers = assembly.containers(in: bytes)
  }

  /// `PodSpec`: containers 2, restartPolicy 3, nodeName 10, hostNetwork 11, securityContext 14, initContainers 20, runtimeClassName 29,
  /// ephemeralContainers 34; `PodSecurityContext`: windowsOptions 8.
  private mutating func readSpecification(
    _ field: ProtobufField, in bytes: RawSpan, keepsPorts: Bool, into assembly: inout ContainerListBuilder
  ) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 2: assembly.add(specification: try ContainerRecordBuilder(specification: field, .regular, in: bytes, keepsPorts: keepsPorts))
      case 3: assembly.podRestartPolicy = ContainerRecordBuilder.RestartPolicy(try field.string(in: bytes)) ?? .always
      case 10: nodeName = try field.range()
      case 11: hostNetwork = try field.bool()
      case 14: assembly.podHostProcess = try windowsHostProcess(field, options: 8, in: bytes)
      case 20:
        assembly.add(specification: try ContainerRecordBuilder(specification: field, .initialization, in: bytes, keepsPorts: keepsPorts))
      case 29: runtimeClassName = try field.range()
      case 34: try readEphemeralContainer(field, in: bytes, into: &assembly)
      default: break
      }
    }
  }

  /// `EphemeralContainer`: ephemeralContainerCommon 1, whose fields have the numbers of `Container`'s.
  private func readEphemeralContainer(
    _ field: ProtobufField, in bytes: RawSpan, into assembly: inout ContainerListBuilder
  ) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      guard field.number == 1 else { continue }
      assembly.add(specification: try ContainerRecordBuilder(specification: field, .ephemeral, in: bytes, keepsPorts: false))
    }
  }

  /// `PodStatus`: phase 1, podIP 6, containerStatuses 8, initContainerStatuses 10, podIPs 12, ephemeralContainerStatuses 13.
  private mutating func readStatus(
    _ field: ProtobufField, in bytes: RawSpan, into assembly: inout ContainerListBuilder
  ) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: phase = try field.range()
      case 6: podIP = try field.range()
      case 8: assembly.add(status: try ContainerRecordBuilder(status: field, .regular, in: bytes))
      case 10: assembly.add(status: try ContainerRecordBuilder(status: field, .initialization, in: bytes))
      case 12: try readIP(field, in: bytes)
      case 13: assembly.add(status: try ContainerRecordBuilder(status: field, .ephemeral, in: bytes))
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

extension ContainerRecordBuilder {
  /// `Container`: name 1, image 2, ports 6, securityContext 15, restartPolicy 24, restartPolicyRules 25; `SecurityContext`: windowsOptions
  /// 10.
  init(specification field: ProtobufField, _ kind: ContainerRecord.Kind, in bytes: RawSpan, keepsPorts: Bool) throws(RecordError) {
    self.kind = kind
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: name = try field.range()
      case 2: image = try field.range()
      case 6 where keepsPorts: ports.append(try ContainerPortBuilder(field, in: bytes))
      case 15: hostProcess = try windowsHostProcess(field, options: 10, in: bytes)
      case 24: restartPolicy = RestartPolicy(try field.string(in: bytes))
      case 25: try readRestartRule(field, in: bytes)
      default: break
      }
    }
  }

  /// `ContainerRestartRule`: action 1, exitCodes 2; `ContainerRestartRuleOnExitCodes`: operator 1, values 2.
  private mutating func readRestartRule(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var rule = RestartRule()
    var isRestart = false
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: isRestart = bytes.isEqual(try field.range(), "Restart")
      case 2:
        var condition = try field.fields()
        while let field = try condition.next(in: bytes) {
          switch field.number {
          case 1: rule.isInverted = bytes.isEqual(try field.range(), "NotIn")
          case 2: rule.exitCodes.append(try field.integer())
          default: break
          }
        }
      default: break
      }
    }
    if isRestart { restartRules.append(rule) }
  }
}

/// `hostProcess` of a security context; `nil` if unset.
///
/// `WindowsSecurityContextOptions`: hostProcess 4.
/// - Parameter number: the field number of `windowsOptions`, which differs between `PodSecurityContext` and `SecurityContext`.
func windowsHostProcess(_ context: ProtobufField, options number: Int, in bytes: RawSpan) throws(RecordError) -> Bool? {
  var result: Bool?
  var fields = try context.fields()
  while let field = try fields.next(in: bytes) {
    guard field.number == number else { continue }
    var options = try field.fields()
    while let option = try options.next(in: bytes) {
      if option.number == 4 { result = try option.bool() }
    }
  }
  return result
}

extension ContainerRecordBuilder {
  /// `ContainerStatus`: name 1, state 2, lastState 3, restartCount 5, image 6, containerID 8.
  init(status field: ProtobufField, _ kind: ContainerRecord.Kind, in bytes: RawSpan) throws(RecordError) {
    self.kind = kind
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: name = try field.range()
      case 2: state = try Self.state(field, in: bytes)
      case 3: if case .terminated = try Self.state(field, in: bytes) { hasRunBefore = true }
      case 5: if try field.integer() > 0 { hasRunBefore = true }
      case 6: image = try field.range()
      case 8: containerID = try field.range()
      default: break
      }
    }
  }

  /// `ContainerState`: waiting 1, running 2, terminated 3; `ContainerStateWaiting`: reason 1; `ContainerStateRunning`: startedAt 1;
  /// `ContainerStateTerminated`: exitCode 1.
  private static func state(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) -> State {
    var state = State.waiting(reason: 0..<0)
    var fields = try field.fields()
    while let kind = try fields.next(in: bytes) {
      switch kind.number {
      case 1:
        var reason = 0..<0
        var fields = try kind.fields()
        while let field = try fields.next(in: bytes) {
          if field.number == 1 { reason = try field.range() }
        }
        state = .waiting(reason: reason)
      case 2:
        var startedAt: Int64?
        var fields = try kind.fields()
        while let field = try fields.next(in: bytes) {
          if field.number == 1 { startedAt = try Timestamp(field, in: bytes)?.unixMilliseconds }
        }
        state = .running(startedAtUnixMilliseconds: startedAt)
      case 3:
        var exitCode: Int64 = 0
        var fields = try kind.fields()
        while let field = try fields.next(in: bytes) {
          if field.number == 1 { exitCode = try field.integer() }
        }
        state = .terminated(exitCode: exitCode)
      default: break
      }
    }
    return state
  }
}

extension Timestamp {
  /// `Time` of k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto: seconds 1, nanos 2. A message without fields is Go's zero time: `nil`.
  init?(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var seconds: Int64?
    var nanoseconds: Int64 = 0
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: seconds = try field.integer()
      case 2: nanoseconds = try field.integer()
      default: break
      }
    }
    guard let seconds else { return nil }
    self.init(seconds: seconds, nanoseconds: nanoseconds)
  }
}
