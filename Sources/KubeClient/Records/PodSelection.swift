package import Primitives

/// The Pods that a store keeps: those on the nodes of a shard, and few others.
///
/// A Pod stays on its node, so that a Pod that is left out is left out for good. Until it is scheduled it is on no node.
package struct PodSelection: Sendable {
  package static let all = PodSelection(nodes: .all)

  /// Every Pod, scheduled or not, unless the shard is partial.
  let nodes: NodeShard
  /// Also keeps the Pods of this namespace with this beginning of their name, on any node.
  let others: (namespace: String, prefix: String)?

  package init(nodes: NodeShard, others: (namespace: String, prefix: String)? = nil) {
    self.nodes = nodes
    self.others = others
  }
}

extension PodSelection {
  func contains(_ pod: WirePod) -> Bool {
    guard nodes.isPartial else { return true }
    let node = pod.spec?.nodeName ?? ""
    if !node.isEmpty, nodes.contains(node) { return true }
    guard let others else { return false }
    return pod.metadata?.namespace == others.namespace && pod.metadata?.name?.hasPrefix(others.prefix) == true
  }

  /// The version of a Pod that is not selected; `nil` for one that is. Skips over everything that it does not compare.
  ///
  /// Source of the field numbers: `ProtobufMetadata`; k8s.io/api/core/v1/generated.proto (`Pod`: metadata 1, spec 2; `PodSpec`: nodeName 10).
  func versionIfLeftOut(_ object: Range<Int>, in bytes: RawSpan) throws(RecordError) -> String? {
    guard nodes.isPartial else { return nil }
    var (name, namespace, version, node) = (0..<0, 0..<0, 0..<0, 0..<0)
    var fields = ProtobufFields(object)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1:
        var metadata = try field.fields()
        while let field = try metadata.next(in: bytes) {
          switch field.number {
          case 1: name = try field.range()
          case 3: namespace = try field.range()
          case 6: version = try field.range()
          default: break
          }
        }
      case 2:
        var specification = try field.fields()
        while let field = try specification.next(in: bytes) {
          if field.number == 10 { node = try field.range() }
        }
      default: break
      }
    }
    if !node.isEmpty, bytes.extracting(node).withUnsafeBytes({ nodes.contains($0) }) { return nil }
    if let others, bytes.isEqual(namespace, others.namespace),
      bytes.extracting(name).withUnsafeBytes({ $0.starts(with: others.prefix.utf8) })
    {
      return nil
    }
    return bytes.text(version)
  }
}
