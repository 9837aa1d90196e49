import FoundationEssentials
import Synchronization

/// The size of a simulated cluster.
package struct PopulationSize: Sendable {
  package var nodes: Int
  package var podsPerNode: Int
  /// The size of a pod in protobuf, in bytes. Real pods have 4 to 10 KB.
  package var podBytes: Int
  /// Of the nodes, as in their status: windows or linux.
  package var operatingSystem = "windows"

  package init(nodes: Int, podsPerNode: Int, podBytes: Int = 6_400) {
    self.nodes = nodes
    self.podsPerNode = podsPerNode
    self.podBytes = podBytes
  }
}

/// Generated nodes and pods that differ only in their texts. Their bytes are not stored but generated on each use.
final class Population: Sendable {
  let size: PopulationSize
  /// The resource version of the first object. All versions have ten digits, because slots have a fixed length.
  static let firstVersion: UInt64 = 1_000_000_000

  private let nodePattern: ObjectPattern
  private let podTemplate: PodTemplate
  private let state: Mutex<State>

  private struct State {
    /// The pods of the first node, then those of the second, and so on.
    var pods: [GeneratedPod]
    var nextSerial: Int
    var podPatterns: [PatternKey: ObjectPattern] = [:]
  }

  private struct PatternKey: Hashable {
    var isWaiting: Bool
    var restarts: Int
  }

  init(size: PopulationSize, isIPv6First: Bool = false, now: Date) {
    self.size = size
    let created = now.formatted(.iso8601)
    nodePattern = ObjectPattern(
      NodeTemplate.object(created: created, isIPv6First: isIPv6First, operatingSystem: size.operatingSystem), kind: ResourceTable.nodes)
    podTemplate = PodTemplate(created: created, bytes: size.podBytes)
    let count = size.nodes * size.podsPerNode
    let pods = (0..<count).map { GeneratedPod(serial: $0, node: $0 / size.podsPerNode) }
    state = Mutex(State(pods: pods, nextSerial: count))
  }

  var podCount: Int { size.nodes * size.podsPerNode }

  /// Adds all nodes and pods to the store.
  func populate(_ store: inout ObjectStore) {
    for number in 0..<size.nodes { store.put(object(ofNode: number), kind: ResourceTable.nodes) }
    for index in 0..<podCount { store.put(pod(at: index), kind: ResourceTable.pods) }
  }

  /// Changes a random pod: nine times out of ten its status, otherwise it is deleted and a new pod is created.
  ///
  /// A pod that a client has written to is left unchanged.
  /// - Returns: the number of watch events.
  func change(in store: inout ObjectStore, _ random: inout some RandomNumberGenerator) -> Int {
    guard podCount > 0 else { return 0 }
    let index = Int.random(in: 0..<podCount, using: &random)
    let replaces = Int.random(in: 0..<10, using: &random) == 0
    let before = pod(at: index)
    guard store.holds(before, kind: ResourceTable.pods) else { return 0 }
    state.withLock { state in
      if replaces {
        state.pods[index] = GeneratedPod(serial: state.nextSerial, node: index / size.podsPerNode)
        state.nextSerial += 1
      } else {
        state.pods[index].changes += 1
      }
    }
    if replaces { store.remove(before, kind: ResourceTable.pods) }
    store.put(pod(at: index), kind: ResourceTable.pods)
    return replaces ? 2 : 1
  }

  /// The current pods of the node.
  func pods(onNode number: Int) -> [GeneratedPod] {
    state.withLock { Array($0.pods[number * size.podsPerNode..<(number + 1) * size.podsPerNode]) }
  }

  private func object(ofNode number: Int) -> GeneratedObject {
    GeneratedObject(pattern: nodePattern, subject: .node(GeneratedNode(number: number)))
  }

  private func pod(at index: Int) -> GeneratedObject {
    state.withLock { state in
      let pod = state.pods[index]
      // The number of restarts has no fixed length, so each has its own pattern, up to a number that pods rarely reach.
      let key = PatternKey(isWaiting: pod.isWaiting, restarts: min(pod.restarts, 64))
      let pattern =
        state.podPatterns[key]
        ?? ObjectPattern(podTemplate.object(isWaiting: key.isWaiting, restarts: key.restarts), kind: ResourceTable.pods)
      state.podPatterns[key] = pattern
      return GeneratedObject(pattern: pattern, subject: .pod(pod))
    }
  }
}

/// A node of a population, for its stand-in exporter.
package struct PopulationNode: Sendable {
  package var name: String
  /// A loopback address that no other node has.
  package var address: String

  package struct Container: Sendable {
    package var namespace: String
    package var pod: String
    package var name: String
    /// The ID without the prefix of the runtime (`containerd://`).
    package var id: String

    package init(namespace: String, pod: String, name: String, id: String) {
      self.namespace = namespace
      self.pod = pod
      self.name = name
      self.id = id
    }
  }
}

extension Population {
  func node(_ number: Int) -> PopulationNode {
    let texts = GeneratedNode(number: number).texts
    return PopulationNode(name: texts.nodeName, address: texts.text(.nodeAddress))
  }

  /// The running containers of the node.
  func runningContainers(onNode number: Int) -> [PopulationNode.Container] {
    pods(onNode: number).flatMap { pod in
      let texts = pod.texts
      return zip(PodTemplate.containerNames, [PatternField.firstContainer, .secondContainer])
        .dropFirst(pod.isWaiting ? 1 : 0)
        .map { name, field in
          PopulationNode.Container(namespace: texts.text(.namespace), pod: texts.podName, name: name, id: texts.text(field))
        }
    }
  }
}

// Generated objects are stored as they are: without defaulting, validation and managed fields.
extension ObjectStore {
  mutating func put(_ object: GeneratedObject, kind: ResourceKind) {
    advance(to: Population.firstVersion)
    store(kind) { StoredObject(object, kind: kind, version: $0) }
  }

  mutating func remove(_ object: GeneratedObject, kind: ResourceKind) {
    remove(kind) { StoredObject(object, kind: kind, version: $0) }
  }

  /// Whether the object exists and no client has written to it.
  func holds(_ object: GeneratedObject, kind: ResourceKind) -> Bool {
    let wanted = StoredObject(object, kind: kind, version: version)
    return self.object(kind, namespace: wanted.namespace, name: wanted.name)?.isGenerated ?? false
  }
}
