package import Exposition
package import Roll

/// The names of a node's containers, by runtime ID. As a `LabelRule` it adds them to the series of windows_exporter.
package struct ContainerNames: Sendable {
  private struct Names {
    var namespace: EscapedLabelValue
    var pod: EscapedLabelValue
    var container: EscapedLabelValue
  }

  private let node: EscapedLabelValue
  private var names: [ArraySlice<UInt8>: Names] = [:]

  /// - Parameter containers: the IDs have no runtime prefix (`containerd://`). Containers with an empty ID are ignored.
  package init(node: String, _ containers: some Sequence<(id: String, reference: ContainerReference)>) {
    self.node = EscapedLabelValue(node)
    for container in containers where !container.id.isEmpty {
      names[Array(container.id.utf8)[...]] = Names(
        namespace: EscapedLabelValue(container.reference.namespace), pod: EscapedLabelValue(container.reference.pod),
        container: EscapedLabelValue(container.reference.container))
    }
  }
}

extension ContainerNames: LabelRule {
  private static let containerFamilies: UInt8 = 1

  package func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment {
    .keep(name.starts(with: "windows_container_".utf8) ? Self.containerFamilies : 0)
  }

  /// Overrides `node`. Fills in the names of a container if they are absent or empty: versions before 0.31 do not have them, and 0.31
  /// sometimes leaves them empty.
  package func rewrite(_ labels: inout LabelBuilder, treatment: UInt8) {
    labels.override("node", with: node)
    guard treatment == Self.containerFamilies, let id = labels.value("container_id"), let names = names[Self.bareID(id)] else { return }
    labels.fill("namespace", with: names.namespace)
    labels.fill("pod", with: names.pod)
    labels.fill("container", with: names.container)
  }

  /// Removes the runtime prefix: `<id>` from `containerd://<id>` or `docker://<id>`.
  private static func bareID(_ id: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let colon = id.firstIndex(of: UInt8(ascii: ":")), id[colon...].starts(with: "://".utf8) else { return id }
    return id[(colon + 3)...]
  }
}
