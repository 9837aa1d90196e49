package import Primitives

/// What the containers of a pod have in common on a roll.
package struct RollPod: Hashable, Sendable {
  package var identity: PodIdentity
  /// The pod's first address; virtual nodes are collected there.
  package var address: PodIP?
  /// The pod shares the node's network namespace: its network numbers are the node's.
  package var hostNetwork: Bool

  package init(identity: PodIdentity, address: PodIP?, hostNetwork: Bool) {
    self.identity = identity
    self.address = address
    self.hostNetwork = hostNetwork
  }
}

/// A container of a pod on a roll.
package struct RollContainer: Hashable, Sendable {
  package var name: Name
  /// Without the runtime's name; empty where the node gives none.
  package var id: ContainerStatusID

  package init(name: Name, id: ContainerStatusID) {
    self.name = name
    self.id = id
  }
}

/// The entries of one roll in their order: a collection like an array of `RollEntry`, each made when it is asked for.
///
/// 300,000 containers as arrays of six strings would be 100 MB. Here it is 64 bytes a container, 48 of its own and half of its pod's, and
/// what they are called is shared with the store of Pods.
package struct RollEntries: RandomAccessCollection, Hashable, Sendable {
  private struct PodPart: Hashable {
    var pod: RollPod
    /// Where its containers begin.
    var firstContainer: UInt32
  }

  private var pods: [PodPart] = []
  private var containers: [RollContainer] = []

  package init() {}

  /// Room for so many, where the numbers are known.
  package init(reservingPods podCount: Int, containers containerCount: Int) {
    pods.reserveCapacity(podCount)
    containers.reserveCapacity(containerCount)
  }

  /// Adds a pod's containers behind what is there. A pod without any is not added.
  package mutating func append(_ pod: RollPod, _ added: some Sequence<RollContainer>) {
    let first = containers.count
    containers.append(contentsOf: added)
    if containers.count > first { pods.append(PodPart(pod: pod, firstContainer: UInt32(first))) }
  }

  /// From entries as text. Those of one pod have to stand next to each other to share what is the pod's.
  package init(_ entries: some Sequence<RollEntry>) {
    var previous: RollEntry?
    for entry in entries {
      let container = RollContainer(name: Name(entry.reference.container), id: ContainerStatusID(entry.containerID))
      if let previous, previous.isOfSamePod(as: entry) {
        containers.append(container)
      } else {
        let identity = PodIdentity(namespace: entry.reference.namespace, name: entry.reference.pod, uid: entry.podUID)
        append(RollPod(identity: identity, address: entry.podIP.map { PodIP($0) }, hostNetwork: entry.hostNetwork), [container])
      }
      previous = entry
    }
  }

  // MARK: As a collection

  package var startIndex: Int { 0 }
  package var endIndex: Int { containers.count }

  package subscript(position: Int) -> RollEntry {
    PodText(pods[pod(of: position)].pod).entry(containers[position])
  }

  /// The entries one after the other, which is cheaper than by their positions: what they share is made into text once a pod.
  package func makeIterator() -> Iterator { Iterator(self) }

  package struct Iterator: IteratorProtocol {
    private let entries: RollEntries
    private var position = 0
    private var nextPod = 0
    private var pod: PodText?

    fileprivate init(_ entries: RollEntries) { self.entries = entries }

    package mutating func next() -> RollEntry? {
      guard position < entries.containers.count else { return nil }
      if nextPod < entries.pods.count, entries.pods[nextPod].firstContainer == position {
        pod = PodText(entries.pods[nextPod].pod)
        nextPod += 1
      }
      defer { position += 1 }
      return pod?.entry(entries.containers[position])
    }
  }

  // MARK: What they are called

  /// What the entries are called, without the rest of them.
  package var references: some Sequence<ContainerReference> {
    pods.indices.lazy.flatMap { number in
      let pod = pods[number].pod
      let namespace = pod.identity.namespace.description
      let name = pod.identity.name
      let end = number + 1 < pods.count ? Int(pods[number + 1].firstContainer) : containers.count
      return (Int(pods[number].firstContainer)..<end).lazy.map { container in
        ContainerReference(namespace: namespace, pod: name, container: containers[container].name.description)
      }
    }
  }

  /// What one entry is called.
  package func reference(at position: Int) -> ContainerReference {
    let identity = pods[pod(of: position)].pod.identity
    return ContainerReference(
      namespace: identity.namespace.description, pod: identity.name, container: containers[position].name.description)
  }

  /// The last pod that begins at the position or before it.
  private func pod(of position: Int) -> Int {
    var low = 0
    var high = pods.count
    while low < high {
      let middle = low + (high - low) / 2
      if pods[middle].firstContainer > position { high = middle } else { low = middle + 1 }
    }
    return low - 1
  }
}

extension RollEntries: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: RollEntry...) { self.init(elements) }
}

/// What the containers of a pod share, as text.
private struct PodText {
  var namespace: String
  var name: String
  var uid: String
  var address: String?
  var hostNetwork: Bool

  init(_ pod: RollPod) {
    namespace = pod.identity.namespace.description
    name = pod.identity.name
    uid = pod.identity.uid.description
    address = pod.address.map { $0.description }
    hostNetwork = pod.hostNetwork
  }

  func entry(_ container: RollContainer) -> RollEntry {
    RollEntry(
      reference: ContainerReference(namespace: namespace, pod: name, container: container.name.description), podUID: uid,
      containerID: container.id.description, hostNetwork: hostNetwork, podIP: address)
  }
}

extension RollEntry {
  fileprivate func isOfSamePod(as other: RollEntry) -> Bool {
    reference.pod == other.reference.pod && reference.namespace == other.reference.namespace && podUID == other.podUID
      && podIP == other.podIP && hostNetwork == other.hostNetwork
  }
}
