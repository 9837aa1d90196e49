internal import Exposition
internal import Primitives
internal import Roll

/// Rewrites the labels of a cAdvisor response to those of a kubelet: translates the names of old kubelets and of a cAdvisor that runs
/// alone, adds the container's name if only its ID is known, adds `id`, `name` and `image` if only the container is known, and sets
/// `namespace`, `pod` and `node`.
struct PodLabels: Sendable {
  /// A container that the response should contain.
  struct Container: Sendable {
    var namespace: EscapedLabelValue
    var pod: EscapedLabelValue
    var name: EscapedLabelValue
    /// The runtime's ID. Empty if unknown.
    var id: [UInt8]
    /// `nil` if the ID is not one of a common runtime.
    var runtimeID: ContainerID?
    var escapedID: EscapedLabelValue
    /// Replaces a missing cgroup path: real ones end with the container's ID as well.
    var path: EscapedLabelValue
    /// Empty if unknown.
    var image: EscapedLabelValue

    init(_ entry: RollEntry, image: String) {
      namespace = EscapedLabelValue(entry.reference.namespace)
      pod = EscapedLabelValue(entry.reference.pod)
      name = EscapedLabelValue(entry.reference.container)
      id = Array(entry.containerID.utf8)
      runtimeID = ContainerID(entry.containerID)
      escapedID = EscapedLabelValue(entry.containerID)
      path = EscapedLabelValue("/" + entry.containerID)
      self.image = EscapedLabelValue(image)
    }
  }

  /// The container that a series belongs to.
  enum Owner: Hashable, Sendable {
    /// An index into `containers`.
    case container(Int)
    /// Another instance of a container than the one on the roll, by an index into `containers`.
    case otherInstance(Int)
    case unknown
  }

  let node: EscapedLabelValue
  let containers: [Container]
  /// Whether the response comes from the pod itself. Its name and namespace are then certain, and differing labels are renamed to
  /// `exported_namespace` and `exported_pod`. In the response of a node, the labels name the pod of a series.
  let isOfOnePod: Bool
  /// The pods of the containers, in the order of the roll. Empty if `isOfOnePod`.
  private(set) var pods: [VirtualScrapeCache.Key] = []
  /// By container, an index into `pods`.
  private var podOfContainer: [Int] = []
  private var podsByName: [[UInt8]: Int] = [:]
  /// Indices of containers by namespace, pod and name.
  private var indicesByReference: [[UInt8]: [Int]] = [:]
  private var indexByID: [[UInt8]: Int] = [:]
  private var indicesByName: [[UInt8]: [Int]] = [:]

  /// - Parameter images: the images of a pod, by container name.
  init(node: String, entries: [RollEntry], images: (VirtualScrapeCache.Key) -> [String: String] = { _ in [:] }, isOfOnePod: Bool) {
    self.node = EscapedLabelValue(node)
    // The containers of a pod are adjacent in the roll.
    var last: (pod: VirtualScrapeCache.Key, images: [String: String])?
    containers = entries.map { entry in
      let pod = VirtualScrapeCache.Key(namespace: entry.reference.namespace, pod: entry.reference.pod)
      let known = last.flatMap { $0.pod == pod ? $0.images : nil } ?? images(pod)
      last = (pod, known)
      return Container(entry, image: known[entry.reference.container] ?? "")
    }
    self.isOfOnePod = isOfOnePod
    for (index, container) in containers.enumerated() {
      if !container.id.isEmpty { indexByID[container.id] = index }
      indicesByName[container.name.bytes, default: []].append(index)
    }
    guard !isOfOnePod else { return }
    for (entry, container) in zip(entries, containers) {
      let name = Self.podName(container.namespace.bytes, container.pod.bytes)
      let pod = podsByName[name] ?? pods.count
      if pod == pods.count {
        podsByName[name] = pod
        pods.append(VirtualScrapeCache.Key(namespace: entry.reference.namespace, pod: entry.reference.pod))
      }
      podOfContainer.append(pod)
      indicesByReference[name + [UInt8(ascii: "/")] + container.name.bytes, default: []].append(podOfContainer.count - 1)
    }
  }

  private static func podName(_ namespace: some Collection<UInt8>, _ pod: some Collection<UInt8>) -> [UInt8] {
    Array(namespace) + [UInt8(ascii: "/")] + Array(pod)
  }

  /// The index in `pods` of a container's pod.
  func pod(ofContainer index: Int) -> Int? { podOfContainer.indices.contains(index) ? podOfContainer[index] : nil }

  /// The index in `pods` of the pod that a rewritten label set belongs to.
  func pod(of labels: borrowing LabelBuilder, owner: Owner) -> Int? {
    switch owner {
    case .container(let index), .otherInstance(let index): return podOfContainer[index]
    case .unknown: break
    }
    guard let namespace = labels.value("namespace"), let pod = labels.value("pod") else { return nil }
    return podsByName[Self.podName(namespace, pod)]
  }

  func rewrite(_ labels: inout LabelBuilder) -> Owner {
    labels.rename("pod_name", to: "pod")
    labels.rename("container_name", to: "container")
    if labels.value("container") == nil {
      labels.rename("container_label_io_kubernetes_container_name", to: "container")
      labels.rename("container_label_io_kubernetes_pod_name", to: "pod")
      labels.rename("container_label_io_kubernetes_pod_namespace", to: "namespace")
      if labels.value("container") == nil, let known = container(byIDIn: labels) {
        labels.fill("container", with: containers[known].name)
        labels.fill("namespace", with: containers[known].namespace)
        labels.fill("pod", with: containers[known].pod)
      }
    }
    let owner = owner(of: labels)
    if case .container(let index) = owner {
      let container = containers[index]
      if !container.id.isEmpty {
        labels.fill("name", with: container.escapedID)
        labels.fill("id", with: container.path)
      }
      if !container.image.bytes.isEmpty { labels.fill("image", with: container.image) }
    }
    if isOfOnePod, let first = containers.first {
      labels.override("namespace", with: first.namespace)
      labels.override("pod", with: first.pod)
    } else {
      switch owner {
      case .container(let index), .otherInstance(let index):
        labels.fill("namespace", with: containers[index].namespace)
        labels.fill("pod", with: containers[index].pod)
      case .unknown: break
      }
    }
    labels.override("node", with: node)
    return owner
  }

  /// A series must name its container. If it names a pod or namespace, they must match.
  private func owner(of labels: borrowing LabelBuilder) -> Owner {
    guard let name = labels.value("container"), let indices = indicesByName[Array(name)] else { return .unknown }
    let pod = labels.value("pod")
    let namespace = labels.value("namespace")
    // The index avoids comparing with hundreds of containers of the same name.
    if !isOfOnePod, let namespace, let pod {
      let indices = indicesByReference[Self.podName(namespace, pod) + [UInt8(ascii: "/")] + Array(name)] ?? []
      return indices.count == 1 ? instance(of: indices[0], in: labels) : .unknown
    }
    let matches = indices.filter { index in
      (pod?.elementsEqual(containers[index].pod.bytes) ?? true) && (namespace?.elementsEqual(containers[index].namespace.bytes) ?? true)
    }
    // In the response of a node, several pods can have a container of this name.
    return matches.count == 1 ? instance(of: matches[0], in: labels) : .unknown
  }

  /// Whether a series of a container belongs to the instance on the roll.
  private func instance(of index: Int, in labels: borrowing LabelBuilder) -> Owner {
    guard let expected = containers[index].runtimeID, let found = runtimeID(in: labels), found != expected else { return .container(index) }
    return .otherInstance(index)
  }

  /// Finds a container by cAdvisor's labels: `name` is the ID with containerd, and `id` is the cgroup path, whose last component contains
  /// the ID.
  private func container(byIDIn labels: borrowing LabelBuilder) -> Int? {
    if let name = labels.value("name"), let index = indexByID[Array(name)] { return index }
    guard let path = labels.value("id") else { return nil }
    let last = Self.cgroupName(ofPath: path)
    if let id = last.withUnsafeBytes({ ContainerID(cgroupName: $0) }) { return indexByID[Array(id.description.utf8)] }
    // The ID of another runtime, after a prefix or not.
    let start = last.lastIndex(of: UInt8(ascii: "-")).map { $0 + 1 } ?? last.startIndex
    return indexByID[Array(last[start...])].flatMap { containers[$0].runtimeID == nil ? $0 : nil }
  }

  /// The ID of a common runtime in cAdvisor's labels.
  private func runtimeID(in labels: borrowing LabelBuilder) -> ContainerID? {
    if let name = labels.value("name"), let id = name.withUnsafeBytes({ ContainerID(bytes: $0) }) { return id }
    return labels.value("id").flatMap { path in Self.cgroupName(ofPath: path).withUnsafeBytes { ContainerID(cgroupName: $0) } }
  }

  /// The last component of a cgroup path, without `.scope`. Some runtimes put the processes into a cgroup `container` below the
  /// container's.
  private static func cgroupName(ofPath path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var parts = path.split(separator: UInt8(ascii: "/"))
    if parts.count > 1, parts.last?.elementsEqual("container".utf8) == true { parts.removeLast() }
    let last = parts.last ?? []
    return last.suffix(6).elementsEqual(".scope".utf8) ? last.dropLast(6) : last
  }
}
