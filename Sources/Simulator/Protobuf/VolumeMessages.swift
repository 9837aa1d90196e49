// Volumes and mounts. Field numbers: k8s.io/api, core/v1/generated.proto. The in-tree volumes of storage vendors, which CSI has replaced,
// are left out.
extension ProtobufMessage {
  static let volume = ProtobufMessage([.text(1, "name"), .inlined(2, volumeSource)])

  static let volumeMount = ProtobufMessage([
    .text(1, "name"), .flag(2, "readOnly"), .text(3, "mountPath"), .text(4, "subPath"), .optional(5, "mountPropagation", .text),
    .text(6, "subPathExpr"), .optional(7, "recursiveReadOnly", .text),
  ])

  static let volumeDevice = ProtobufMessage([.text(1, "name"), .text(2, "devicePath")])

  static let fieldReference = ProtobufMessage([.text(1, "apiVersion"), .text(2, "fieldPath")])

  static let resourceReference = ProtobufMessage([.text(1, "containerName"), .text(2, "resource"), .init(3, "divisor", .quantity)])

  static let localReference = ProtobufMessage([.text(1, "name")])

  private static let volumeSource = ProtobufMessage([
    .optional(1, "hostPath", .message(ProtobufMessage([.text(1, "path"), .optional(2, "type", .text)]))),
    .optional(2, "emptyDir", .message(ProtobufMessage([.text(1, "medium"), .optional(2, "sizeLimit", .quantity)]))),
    .optional(6, "secret", .message(secretVolume)),
    .optional(7, "nfs", .message(ProtobufMessage([.text(1, "server"), .text(2, "path"), .flag(3, "readOnly")]))),
    .optional(10, "persistentVolumeClaim", .message(ProtobufMessage([.text(1, "claimName"), .flag(2, "readOnly")]))),
    .optional(16, "downwardAPI", .message(downwardVolume)), .optional(19, "configMap", .message(configMapVolume)),
    .optional(26, "projected", .message(projectedVolume)), .optional(28, "csi", .message(csiVolume)),
  ])

  private static let secretVolume = ProtobufMessage([
    .text(1, "secretName"), .repeated(2, "items", .message(keyToPath)), .optional(3, "defaultMode", .number),
    .optional(4, "optional", .flag),
  ])

  private static let configMapVolume = ProtobufMessage([
    .inlined(1, localReference), .repeated(2, "items", .message(keyToPath)), .optional(3, "defaultMode", .number),
    .optional(4, "optional", .flag),
  ])

  private static let keyToPath = ProtobufMessage([.text(1, "key"), .text(2, "path"), .optional(3, "mode", .number)])

  private static let csiVolume = ProtobufMessage([
    .text(1, "driver"), .optional(2, "readOnly", .flag), .optional(3, "fsType", .text), .map(4, "volumeAttributes"),
    .optional(5, "nodePublishSecretRef", .message(localReference)),
  ])

  private static let projectedVolume = ProtobufMessage([
    .repeated(1, "sources", .message(projection)), .optional(2, "defaultMode", .number),
  ])

  private static let projection = ProtobufMessage([
    .optional(1, "secret", .message(projectedKeys)),
    .optional(2, "downwardAPI", .message(ProtobufMessage([.repeated(1, "items", .message(downwardFile))]))),
    .optional(3, "configMap", .message(projectedKeys)), .optional(4, "serviceAccountToken", .message(projectedToken)),
  ])

  private static let projectedKeys = ProtobufMessage([
    .inlined(1, localReference), .repeated(2, "items", .message(keyToPath)), .optional(4, "optional", .flag),
  ])

  private static let projectedToken = ProtobufMessage([
    .text(1, "audience"), .optional(2, "expirationSeconds", .number), .text(3, "path"),
  ])

  private static let downwardVolume = ProtobufMessage([
    .repeated(1, "items", .message(downwardFile)), .optional(2, "defaultMode", .number),
  ])

  private static let downwardFile = ProtobufMessage([
    .text(1, "path"), .optional(2, "fieldRef", .message(fieldReference)), .optional(3, "resourceFieldRef", .message(resourceReference)),
    .optional(4, "mode", .number),
  ])
}
