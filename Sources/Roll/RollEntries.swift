package import Primitives

/// The part of a roll that the containers of a pod share.
package struct RollPod: Hashable, Sendable {
  package var identity: PodIdentity
  /// The pod's first address, at which pods of virtual nodes are collected.
  package var address: PodIP?
  /// Whether the pod shares the node's network namespace. Its network metrics are then the node's.
  package var hostNetwork: Bool

  package init(identity: PodIdentity, address: PodIP?, hostNetwork: Bool) {
    self.identity = identity
    self.address = address
    self.hostNetwork = hostNetwork
  }
}

/// A container of a `RollPod`.
package struct RollContainer: Hashable, Sendable {
  package var name: Name
  /// Without the runtime's scheme; empty if the node reports none.
  package var id: ContainerStatusID
  /// Why nothing is due from the container although it is called; `nil` if it is due.
  package var notDue: Exemption?

  package init(name: Name, id: ContainerStatusID, notDue: Exemption? = nil) {
    self.name = name
    self.id = id
    self.notDue = notDue
  }
}

/// The entries of one roll, packed. A random-access collection that makes each `RollEntry` on access.
///
/// 300,000 entries of six strings each would take 100 MB. Packed, an entry takes 64 bytes with two containers per pod, and shares its
/// names with the store of Pods.
package struct RollEntries: RandomAccessCollection, Hashable, Sendable {
  private struct PodPart: Hashable {
    var pod: RollPod
    /// The index of the pod's first container.
    var firstContainer: UInt32
  }

  private var pods: [PodPart] = []
  private var containers: [RollContainer] = []

  package init() {}

  /// Reserves capacity for the given numbers of pods and containers.
  package init(reservingPods podCount: Int, containers containerCount: Int) {
    pods.reserveCapacity(podCount)
    containers.reserveCapacity(containerCount)
  }

  /// Appends a pod and its containers. A pod without containers is not added.
  package mutating func append(_ pod: RollPod, _ added: some Sequence<RollContainer>) {
    let first = containers.count
    containers.append(contentsOf: added)
    if containers.count > first { pods.append(PodPart(pod: pod, firstContainer: UInt32(first))) }
  }

  /// Packs unpacked entries. Adjacent entries of one pod share its data.
  package init(_ entries: some Sequence<RollEntry>) {
    var previous: RollEntry?
    for entry in entries {
      let container = RollContainer(name: Name(entry.reference.container), id: ContainerStatusID(entry.containerID), notDue: entry.notDue)
      if let previous, previous.isOfSamePod(as: entry) {
        containers.append(container)
      } else {
        let identity = PodIdentity(namespace: entry.reference.namespace, name: entry.reference.pod, uid: entry.podUID)
        append(RollPod(identity: identity, address: entry.podIP.map { PodIP($0) }, hostNetwork: entry.hostNetwork), [container])
      }
      previous = entry
    }
  }

  // MARK: RandomAccessCollection

  package var startIndex: Int { 0 }
  package var endIndex: Int { containers.count }

  package subscript(position: Int) -> RollEntry {
    PodStrings(pods[pod(of: position)].pod).entry(containers[position])
  }

  /// Iterates over the entries. Cheaper than access by index, because a pod's strings are made once per pod.
  package func makeIterator() -> Iterator { Iterator(self) }

  package struct Iterator: IteratorProtocol {
    private let entries: RollEntries
    private var position = 0
    private var nextPod = 0
    private var pod: PodStrings?

    fileprivate init(_ entries: RollEntries) { self.entries = entries }

    package mutating func next() -> RollEntry? {
      guard position < entries.containers.count else { return nil }
      if nextPod < entries.pods.count, entries.pods[nextPod].firstContainer == position {
        pod = PodStrings(entries.pods[nextPod].pod)
        nextPod += 1
      }
      defer { position += 1 }
      return pod?.entry(entries.containers[position])
    }
  }

  // MARK: References

  /// The references of the entries, in order. Cheaper than the entries.
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

  /// The reference of one entry.
  package func reference(at position: Int) -> ContainerReference {
    let identity = pods[pod(of: position)].pod.identity
    return ContainerReference(
      namespace: identity.namespace.description, pod: identity.name, container: containers[position].name.description)
  }

  /// Calls `body` with each pod and the positions of its containers, in order.
  package func forEachPod(_ body: (PodIdentity, Range<Int>) -> Void) {
    for number in pods.indices {
      let end = number + 1 < pods.count ? Int(pods[number + 1].firstContainer) : containers.count
      body(pods[number].pod.identity, Int(pods[number].firstContainer)..<end)
    }
  }

  /// The pod of the container at a position.
  package func pod(at position: Int) -> PodIdentity { pods[pod(of: position)].pod.identity }

  /// The name of the container at a position.
  package func containerName(at position: Int) -> Name { containers[position].name }

  /// Why nothing is due from the container at a position; `nil` if it is due.
  package func notDue(at position: Int) -> Exemption? { containers[position].notDue }

  /// The index of the pod of the container at a position.
  private func pod(of position: Int) -> Int {
    pods.partitioningIndex { $0.firstContainer > position } - 1
  }
}

extension RollEntries: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: RollEntry...) { self.init(elements) }
}

/// The strings that the containers of a pod share.
private struct PodStrings {
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
      containerID: container.id.description, hostNetwork: hostNetwork, podIP: address, notDue: container.notDue)
  }
}

extension RollEntry {
  fileprivate func isOfSamePod(as other: RollEntry) -> Bool {
    reference.pod == other.reference.pod && reference.namespace == other.reference.namespace && podUID == other.podUID
      && podIP == other.podIP && hostNetwork == other.hostNetwork
  }
}
