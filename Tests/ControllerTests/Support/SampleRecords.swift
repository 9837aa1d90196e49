import Controller
import KubeClient

/// Records in place of a store's snapshot.
struct Records<Value: Record>: Sequence {
  var records: [ObjectKey: Value]

  init(_ records: [Value]) { self.records = Dictionary(uniqueKeysWithValues: records.map { ($0.key, $0) }) }
  subscript(key: ObjectKey) -> Value? { records[key] }
  func makeIterator() -> Dictionary<ObjectKey, Value>.Values.Iterator { records.values.makeIterator() }
}

extension Records: NodeLookup where Value == NodeRecord {}
extension Records: PodLookup where Value == PodRecord {
  func pods(onNode node: String) -> [PodRecord] { records.values.filter { $0.nodeName == node } }
}

func nodeRecord(
  _ name: String, os: String = "linux", address: String? = "10.0.0.1", labels: [String: String] = [:],
  annotations: [String: String] = [:], ready: Bool? = true
) -> NodeRecord {
  NodeRecord(
    name: name, labels: labels, annotations: annotations, operatingSystem: os,
    addresses: address.map { [NodeAddress(type: "InternalIP", address: $0)] } ?? [],
    ready: ready)
}

func containerRecord(
  _ name: String, _ state: ContainerRecord.State = .running(startedAtUnixMilliseconds: 0), kind: ContainerRecord.Kind = .regular,
  id: String = "containerd://cccc", restarts: Bool = false, hostProcess: Bool = false
) -> ContainerRecord {
  ContainerRecord(name: name, kind: kind, containerID: id, state: state, restarts: restarts, hostProcess: hostProcess)
}

func podRecord(
  _ name: String, on node: String?, phase: String = "Running", annotations: [String: String] = [:], deletion: Int64? = nil,
  workload: Workload? = nil, runtimeClass: String? = nil, _ containers: [ContainerRecord]
) -> PodRecord {
  PodRecord(
    namespace: "shop", name: name, uid: "uid-\(name)", nodeName: node, phase: phase, podIPs: ["10.1.0.7", "fd00::7"],
    annotations: annotations, deletionTimestamp: deletion, workload: workload, runtimeClassName: runtimeClass, containers: containers)
}
