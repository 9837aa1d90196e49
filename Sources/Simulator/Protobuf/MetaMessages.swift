// Field numbers: k8s.io/apimachinery, pkg/apis/meta/v1/generated.proto and pkg/runtime/generated.proto.
extension ProtobufMessage {
  static let typeMeta = ProtobufMessage([.text(1, "apiVersion"), .text(2, "kind")])

  static let timestamp = ProtobufMessage([.optional(1, "seconds", .number), .optional(2, "nanos", .number)])

  static let quantity = ProtobufMessage([.text(1, "string")])

  /// Source: k8s.io/apimachinery, pkg/util/intstr/generated.proto.
  static let numberOrText = ProtobufMessage([.number(1, "type"), .number(2, "intVal"), .text(3, "strVal")])

  static let fieldsV1 = ProtobufMessage([.text(1, "raw")])

  static let objectMeta = ProtobufMessage([
    .text(1, "name"), .text(2, "generateName"), .text(3, "namespace"), .text(4, "selfLink"), .text(5, "uid"),
    .text(6, "resourceVersion"), .number(7, "generation"), .time(8, "creationTimestamp"), .optional(9, "deletionTimestamp", .time),
    .optional(10, "deletionGracePeriodSeconds", .number), .map(11, "labels"), .map(12, "annotations"),
    .repeated(13, "ownerReferences", .message(ownerReference)), .repeated(14, "finalizers", .text),
    .repeated(17, "managedFields", .message(managedFieldsEntry)),
  ])

  private static let ownerReference = ProtobufMessage([
    .text(1, "kind"), .text(3, "name"), .text(4, "uid"), .text(5, "apiVersion"), .optional(6, "controller", .flag),
    .optional(7, "blockOwnerDeletion", .flag),
  ])

  private static let managedFieldsEntry = ProtobufMessage([
    .text(1, "manager"), .text(2, "operation"), .text(3, "apiVersion"), .optional(4, "time", .time), .text(6, "fieldsType"),
    .optional(7, "fieldsV1", .rawJSON), .text(8, "subresource"),
  ])

  static let listMeta = ProtobufMessage([
    .text(1, "selfLink"), .text(2, "resourceVersion"), .text(3, "continue"), .optional(4, "remainingItemCount", .number),
  ])

  static let status = ProtobufMessage([
    .message(1, "metadata", listMeta), .text(2, "status"), .text(3, "message"), .text(4, "reason"),
    .optional(5, "details", .message(statusDetails)), .number(6, "code"),
  ])

  private static let statusDetails = ProtobufMessage([
    .text(1, "name"), .text(2, "group"), .text(3, "kind"), .repeated(4, "causes", .message(statusCause)),
    .number(5, "retryAfterSeconds"), .text(6, "uid"),
  ])

  private static let statusCause = ProtobufMessage([.text(1, "reason"), .text(2, "message"), .text(3, "field")])

  static let deleteOptions = ProtobufMessage([
    .optional(1, "gracePeriodSeconds", .number), .optional(2, "preconditions", .message(preconditions)),
    .optional(4, "propagationPolicy", .text), .repeated(5, "dryRun", .text),
  ])

  private static let preconditions = ProtobufMessage([.optional(1, "uid", .text), .optional(2, "resourceVersion", .text)])
}
