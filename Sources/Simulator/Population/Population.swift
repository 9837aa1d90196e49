import FoundationEssentials
import Synchronization

/// How large a simulated cluster is.
package struct PopulationSize: Sendable {
  package var nodes: Int
  package var podsPerNode: Int
  /// The size of a pod in protobuf. Pods of real workloads have 4 to 10 KB.
  package var podBytes: Int

  package init(nodes: Int, podsPerNode: Int, podBytes: Int = 6_400) {
    self.nodes = nodes
    self.podsPerNode = podsPerNode
    self.podBytes = podBytes
  }
}

/// Nodes and pods that are all alike but for their texts, and are not kept but made when somebody asks for them.
final class Population: Sendable {
  let size: PopulationSize
  /// The version of a population's first object. All versions have ten digits, because texts in patterns are of one length.
  static let firstVersion: UInt64 = 1_000_000_000

  private let nodePattern: ObjectPattern
  private let podTemplate: PodTemplate
  private let state: Mutex<State>

  private struct State {
    /// The pod in each place: the places of the first node, then those of the second, and so on.
    var pods: [GeneratedPod]
    var nextSerial: Int
    var podPatterns: [PatternKey: ObjectPattern] = [:]
  }

  private struct PatternKey: Hashable {
    var isWaiting: Bool
    var restarts: Int
  }

  init(size: PopulationSize, now: Date) {
    self.size = size
    let created = now.formatted(.iso8601)
    nodePattern = ObjectPattern(NodeTemplate.object(created: created), kind: ResourceTable.nodes)
    podTemplate = PodTemplate(created: created, bytes: size.podBytes)
    let count = size.nodes * size.podsPerNode
    let pods = (0..<count).map { GeneratedPod(serial: $0, node: $0 / size.podsPerNode) }
    state = Mutex(State(pods: pods, nextSerial: count))
  }

  var podCount: Int { size.nodes * size.podsPerNode }

  /// Puts all nodes and pods into the store.
  func settle(in store: inout ObjectStore) {
    for number in 0..<size.nodes { store.put(node(number), kind: ResourceTable.nodes) }
    for place in 0..<podCount { store.put(pod(at: place), kind: ResourceTable.pods) }
  }

  /// One change of a random pod: nine times out of ten of its status, else the pod goes and another one takes its place.
  ///
  /// An object that somebody else has changed since it was made is left alone.
  /// - Returns: how many events a watch gets of it.
  func change(in store: inout ObjectStore, _ random: inout some RandomNumberGenerator) -> Int {
    guard podCount > 0 else { return 0 }
    let place = Int.random(in: 0..<podCount, using: &random)
    let replaces = Int.random(in: 0..<10, using: &random) == 0
    let before = pod(at: place)
    guard store.holds(before, kind: ResourceTable.pods) else { return 0 }
    state.withLock { state in
      if replaces {
        state.pods[place] = GeneratedPod(serial: state.nextSerial, node: place / size.podsPerNode)
        state.nextSerial += 1
      } else {
        state.pods[place].changes += 1
      }
    }
    if replaces { store.remove(before, kind: ResourceTable.pods) }
    store.put(pod(at: place), kind: ResourceTable.pods)
    return replaces ? 2 : 1
  }

  /// The pods that are on the node now.
  func pods(onNode number: Int) -> [GeneratedPod] {
    state.withLock { Array($0.pods[number * size.podsPerNode..<(number + 1) * size.podsPerNode]) }
  }

  private func node(_ number: Int) -> GeneratedObject {
    GeneratedObject(pattern: nodePattern, subject: .node(GeneratedNode(number: number)))
  }

  private func pod(at place: Int) -> GeneratedObject {
    state.withLock { state in
      let pod = state.pods[place]
      // A count of restarts is text too: each has a pattern of its own, up to a number that hardly a pod reaches.
      let key = PatternKey(isWaiting: pod.isWaiting, restarts: min(pod.restarts, 64))
      let pattern =
        state.podPatterns[key]
        ?? ObjectPattern(podTemplate.object(isWaiting: key.isWaiting, restarts: key.restarts), kind: ResourceTable.pods)
      state.podPatterns[key] = pattern
      return GeneratedObject(pattern: pattern, subject: .pod(pod))
    }
  }
}
