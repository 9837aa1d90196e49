internal import Exposition
internal import Roll

/// How the labels of a page from virtual nodes become those that a kubelet gives: old names translated, containers named where only
/// their ID is known, `id`, `name` and `image` filled in where only the container is, and `namespace`, `pod` and `node` set.
struct PodLabels: Sendable {
  /// A container that the page should have.
  struct Container: Sendable {
    var namespace: EscapedLabelValue
    var pod: EscapedLabelValue
    var name: EscapedLabelValue
    /// As the runtime knows it; empty where that is not known.
    var id: [UInt8]
    var escapedID: EscapedLabelValue
    /// What stands for the container's cgroup where the page does not say it: cgroups end with the container's ID.
    var path: EscapedLabelValue
    /// Empty where it is not known.
    var image: EscapedLabelValue

    init(_ entry: RollEntry, image: String) {
      namespace = EscapedLabelValue(entry.reference.namespace)
      pod = EscapedLabelValue(entry.reference.pod)
      name = EscapedLabelValue(entry.reference.container)
      id = Array(entry.containerID.utf8)
      escapedID = EscapedLabelValue(entry.containerID)
      path = EscapedLabelValue("/" + entry.containerID)
      self.image = EscapedLabelValue(image)
    }
  }

  /// What the labels of one series say about whose it is.
  enum Owner: Hashable, Sendable {
    /// The container at this place among the containers.
    case container(Int)
    case nobodyKnown
  }

  let node: EscapedLabelValue
  let containers: [Container]
  /// Whether the page is one pod's own: then we know whose it is better than the page, and what the page says otherwise moves to
  /// `exported_namespace` and `exported_pod`. A page of a whole node says itself which series are whose.
  let isOfOnePod: Bool
  /// The pods that the containers are of, in the order of the roll; of a page of many pods alone.
  private(set) var pods: [VirtualScrapeCache.Key] = []
  /// By container.
  private var podOfContainer: [Int] = []
  private var podsByName: [[UInt8]: Int] = [:]
  /// By pod and name of the container.
  private var placesByReference: [[UInt8]: [Int]] = [:]
  private var placesByID: [[UInt8]: Int] = [:]
  private var placesByName: [[UInt8]: [Int]] = [:]

  /// - Parameter images: of a pod, by the container's name.
  init(node: String, entries: [RollEntry], images: (VirtualScrapeCache.Key) -> [String: String] = { _ in [:] }, isOfOnePod: Bool) {
    self.node = EscapedLabelValue(node)
    // The containers of a pod stand one behind the other.
    var last: (pod: VirtualScrapeCache.Key, images: [String: String])?
    containers = entries.map { entry in
      let pod = VirtualScrapeCache.Key(namespace: entry.reference.namespace, pod: entry.reference.pod)
      let known = last.flatMap { $0.pod == pod ? $0.images : nil } ?? images(pod)
      last = (pod, known)
      return Container(entry, image: known[entry.reference.container] ?? "")
    }
    self.isOfOnePod = isOfOnePod
    for (place, container) in containers.enumerated() {
      if !container.id.isEmpty { placesByID[container.id] = place }
      placesByName[container.name.bytes, default: []].append(place)
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
      placesByReference[name + [UInt8(ascii: "/")] + container.name.bytes, default: []].append(podOfContainer.count - 1)
    }
  }

  private static func podName(_ namespace: some Collection<UInt8>, _ pod: some Collection<UInt8>) -> [UInt8] {
    Array(namespace) + [UInt8(ascii: "/")] + Array(pod)
  }

  /// The place among `pods` of the one that a container is of.
  func pod(ofContainer place: Int) -> Int? { podOfContainer.indices.contains(place) ? podOfContainer[place] : nil }

  /// The place among `pods` of the one that a rewritten set belongs to.
  func pod(of labels: borrowing LabelBuilder, owner: Owner) -> Int? {
    if case .container(let place) = owner { return podOfContainer[place] }
    guard let namespace = labels.value("namespace"), let pod = labels.value("pod") else { return nil }
    return podsByName[Self.podName(namespace, pod)]
  }

  func rewrite(_ labels: inout LabelBuilder) -> Owner {
    labels.rename("pod_name", to: "pod")
    labels.rename("container_name", to: "container")
    if labels.value("container") == nil, let known = placeByID(labels) {
      labels.fill("container", with: containers[known].name)
      labels.fill("namespace", with: containers[known].namespace)
      labels.fill("pod", with: containers[known].pod)
    }
    let owner = owner(of: labels)
    if case .container(let place) = owner {
      let container = containers[place]
      if !container.id.isEmpty {
        labels.fill("name", with: container.escapedID)
        labels.fill("id", with: container.path)
      }
      if !container.image.bytes.isEmpty { labels.fill("image", with: container.image) }
    }
    if isOfOnePod, let first = containers.first {
      labels.override("namespace", with: first.namespace)
      labels.override("pod", with: first.pod)
    } else if case .container(let place) = owner {
      labels.fill("namespace", with: containers[place].namespace)
      labels.fill("pod", with: containers[place].pod)
    }
    labels.override("node", with: node)
    return owner
  }

  /// The series has to name the container, and its own pod and namespace where it names any.
  private func owner(of labels: borrowing LabelBuilder) -> Owner {
    guard let name = labels.value("container"), let places = placesByName[Array(name)] else { return .nobodyKnown }
    let pod = labels.value("pod")
    let namespace = labels.value("namespace")
    // Hundreds of pods on a page have containers of the same name.
    if !isOfOnePod, let namespace, let pod {
      let places = placesByReference[Self.podName(namespace, pod) + [UInt8(ascii: "/")] + Array(name)] ?? []
      return places.count == 1 ? .container(places[0]) : .nobodyKnown
    }
    let matches = places.filter { place in
      (pod?.elementsEqual(containers[place].pod.bytes) ?? true) && (namespace?.elementsEqual(containers[place].namespace.bytes) ?? true)
    }
    // On a page of many pods a container's name alone says nothing.
    return matches.count == 1 ? .container(matches[0]) : .nobodyKnown
  }

  /// cAdvisor's `id` is the cgroup's path, whose last part has the container's ID in it, bare or as `cri-containerd-<id>.scope`; its
  /// `name` is the ID with containerd.
  private func placeByID(_ labels: borrowing LabelBuilder) -> Int? {
    if let name = labels.value("name"), let place = placesByID[Array(name)] { return place }
    guard let path = labels.value("id"), let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return nil }
    var last = path[path.index(after: slash)...]
    if last.suffix(6).elementsEqual(".scope".utf8) { last = last.dropLast(6) }
    if let dash = last.lastIndex(of: UInt8(ascii: "-")) { last = last[last.index(after: dash)...] }
    return placesByID[Array(last)]
  }
}
