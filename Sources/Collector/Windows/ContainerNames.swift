package import Exposition
package import Roll

/// What the containers of a node are called, by the ID that their runtime gave them.
package struct ContainerNames: Sendable {
  private struct Names {
    var namespace: EscapedLabelValue
    var pod: EscapedLabelValue
    var container: EscapedLabelValue
  }

  private let node: EscapedLabelValue
  private var names: [ArraySlice<UInt8>: Names] = [:]

  /// - Parameter containers: with their IDs, without the runtime's name before `://`. Those without an ID are passed over.
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
  private static let ofContainers: UInt8 = 1

  package func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment {
    .keep(name.starts(with: "windows_container_".utf8) ? Self.ofContainers : 0)
  }

  /// `node` is ours to say; of a container's names those that the exporter says hold, and the empty ones are filled in: 0.31 leaves them
  /// empty at times, older versions do not have them.
  package func rewrite(_ labels: inout LabelBuilder, treatment: UInt8) {
    labels.override("node", with: node)
    guard treatment == Self.ofContainers, let id = labels.value("container_id"), let names = names[Self.bareID(id)] else { return }
    labels.fill("namespace", with: names.namespace)
    labels.fill("pod", with: names.pod)
    labels.fill("container", with: names.container)
  }

  /// `containerd://<id>` and `docker://<id>` without the runtime's name.
  private static func bareID(_ id: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let colon = id.firstIndex(of: UInt8(ascii: ":")), id[colon...].starts(with: "://".utf8) else { return id }
    return id[(colon + 3)...]
  }
}
