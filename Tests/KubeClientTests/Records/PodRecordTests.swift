import JSON
import Primitives
import Testing

@testable import KubeClient

@Suite struct PodRecordTests {
  static let digits = "0123456789abcdef00000000000000008899aabbccddeeff7766554433221100"

  @Test
  func `a record keeps its fields, even of unusual forms`() {
    let containers = [
      ContainerRecord(name: "setup", kind: .initialization, containerID: "containerd://\(Self.digits)", state: .terminated),
      ContainerRecord(
        name: "app", containerID: "cri-o://\(Self.digits)", state: .running(startedAtUnixMilliseconds: -1), hostProcess: true),
      ContainerRecord(name: "short", containerID: "docker://0123456789ab", state: .running(startedAtUnixMilliseconds: nil)),
      ContainerRecord(name: "pull", containerID: "docker-pullable://nginx@sha256:\(Self.digits)", state: .waiting(reason: "")),
      ContainerRecord(name: String(repeating: "n", count: 300), containerID: Self.digits, state: .waiting(reason: "CrashLoopBackOff")),
      ContainerRecord(name: "", kind: .ephemeral, state: .running(startedAtUnixMilliseconds: .max)),
      ContainerRecord(name: "mesh", kind: .sidecar, state: .terminated, restarts: true, hostProcess: true),
    ]
    let pod = PodRecord(
      namespace: "größe", name: "web-0", uid: "mirror-of-web-0", resourceVersion: "v1:8f", nodeName: "worker-1", phase: "Evicted",
      hostNetwork: true, podIPs: ["10.1.0.9", "fe80::9%eth0", "fd00::9", ""], annotations: ["b": "2", "a": "", "é": "ü"],
      deletionTimestamp: -1, workload: Workload(kind: "Rollout", name: "größe"), runtimeClassName: "gvisor", containers: containers,
      images: ["app": "registry.example/größe:1", "setup": "", "gone": "x"])
    #expect(pod.namespace == "größe")
    #expect(pod.name == "web-0")
    #expect(pod.uid == "mirror-of-web-0")
    #expect(pod.resourceVersion == "v1:8f")
    #expect(pod.nodeName == "worker-1")
    #expect(pod.phase == "Evicted")
    #expect(pod.hostNetwork && pod.isBeingDeleted)
    #expect(pod.deletionTimestamp == -1)
    #expect(pod.workload == Workload(kind: "Rollout", name: "größe"))
    #expect(pod.runtimeClassName == "gvisor")
    #expect(pod.podIPs == ["10.1.0.9", "fe80::9%eth0", "fd00::9", ""])
    #expect(pod.address == PodIP("10.1.0.9"))
    #expect(pod.annotations == ["b": "2", "a": "", "é": "ü"])
    #expect(pod.containers == containers)
    #expect(pod.images == ["app": "registry.example/größe:1"])
    #expect(pod.containers.map(\.containerID) == containers.map(\.containerID))
    var ids: [String] = []
    pod.forEachContainerID { ids.append($0.description) }
    #expect(ids == containers.map(\.containerID).filter { !$0.isEmpty })
  }

  @Test(
    arguments: [
      "", "0", "1", "00", "007", "18446744073709551615", "9999999999999999999", "99999999999999999999", "-1", "+1", "1 ", "1a", "é",
    ])
  func `a version keeps its exact text`(_ text: String) {
    #expect(PodRecord(namespace: "a", name: "b", resourceVersion: text).resourceVersion == text)
    #expect(NodeRecord(name: "b", resourceVersion: text).resourceVersion == text)
    let pod = PodRecord(namespace: "a", name: "b", resourceVersion: text, phase: "Odd", deletionTimestamp: 7)
    #expect(pod.phase == "Odd" && pod.deletionTimestamp == 7)
  }

  @Test(arguments: ["", "Pending", "Running", "Succeeded", "Failed", "Unknown", "Odd"])
  func `records are equal if all fields are`(_ phase: String) {
    func pod(_ change: (inout Fields) -> Void = { _ in }) -> PodRecord {
      var fields = Fields(phase: phase)
      change(&fields)
      return fields.record
    }
    #expect(pod() == pod())
    #expect(pod().hashValue == pod().hashValue)
    #expect(pod().phase == phase)
    let others = [
      pod { $0.namespace = "x" }, pod { $0.name = "x" }, pod { $0.uid = "x" }, pod { $0.version = "2" }, pod { $0.version = "01" },
      pod { $0.node = "x" }, pod { $0.node = nil }, pod { $0.phase = "x" }, pod { $0.hostNetwork = true }, pod { $0.podIPs = ["10.1.0.1"] },
      pod { $0.podIPs = [] }, pod { $0.annotations = ["a": "c"] }, pod { $0.annotations = [:] }, pod { $0.deletionTimestamp = 1 },
      pod { $0.workload = nil }, pod { $0.workload = Workload(kind: "Job", name: "web") }, pod { $0.runtimeClass = "gvisor" },
      pod { $0.containers = [] }, pod { $0.containers = [ContainerRecord(name: "c", hostProcess: true)] },
      pod { $0.containers = [ContainerRecord(name: "c", restarts: true)] },
      pod { $0.images = ["c": "y"] }, pod { $0.images = [:] },
    ]
    for (index, other) in others.enumerated() { #expect(other != pod(), "\(index)") }
  }

  private struct Fields {
    var namespace = "shop"
    var name = "web-0"
    var uid = "u"
    var version = "1"
    var node: String? = "worker-1"
    var phase: String
    var hostNetwork = false
    var podIPs = ["10.1.0.9"]
    var annotations = ["a": "b"]
    var deletionTimestamp: Int64?
    var workload: Workload? = Workload(kind: "Deployment", name: "web")
    var runtimeClass: String?
    var containers = [ContainerRecord(name: "c")]
    var images = ["c": "x"]

    var record: PodRecord {
      PodRecord(
        namespace: namespace, name: name, uid: uid, resourceVersion: version, nodeName: node, phase: phase, hostNetwork: hostNetwork,
        podIPs: podIPs, annotations: annotations, deletionTimestamp: deletionTimestamp, workload: workload,
        runtimeClassName: runtimeClass, containers: containers, images: images)
    }
  }

  @Test
  func `the order of annotations does not matter, and the last duplicate wins`() throws {
    func pod(_ entries: [(String, String)]) throws -> PodRecord {
      let bytes = ProtobufEncoder {
        $0.message(1) { metadata in
          metadata.string(1, "a")
          for (key, value) in entries { metadata.entry(12, key, value) }
        }
      }.bytes
      let filter = MetadataFilter(keepsLabels: false, annotationPrefixes: ["x/"])
      return try PodRecord(protobuf: 0..<bytes.count, in: bytes.span.bytes, keeping: filter, known: StoreSnapshot(), names: NameTable())
    }
    let pod1 = try pod([("x/b", "1"), ("x/a", "2"), ("y/c", "3"), ("x/ab", "4")])
    #expect(pod1 == (try pod([("x/ab", "4"), ("x/b", "0"), ("x/a", "2"), ("x/b", "1")])))
    #expect(pod1.annotations == ["x/b": "1", "x/a": "2", "x/ab": "4"])
  }

  @Test
  func `the Pods of a workload share the text of what they have in common`() throws {
    let names = NameTable()
    func pod(_ name: String, _ image: String) throws -> PodRecord {
      let bytes = ProtobufEncoder {
        $0.message(1) {
          $0.string(1, name)
          $0.message(13) {
            $0.string(1, "StatefulSet")
            $0.string(3, "web")
            $0.integer(6, 1)
          }
        }
        $0.message(2) {
          $0.string(29, "gvisor")
          for container in ["app", "sidecar"] {
            $0.message(2) {
              $0.string(1, container)
              $0.string(2, image)
            }
          }
        }
      }.bytes
      return try PodRecord(
        protobuf: 0..<bytes.count, in: bytes.span.bytes, keeping: MetadataFilter(keepsLabels: false, annotationPrefixes: []),
        known: StoreSnapshot(), names: names)
    }
    let first = try pod("web-0", "web:1")
    let known = names.count
    let second = try pod("web-1", "web:1")
    #expect(names.count == known)
    #expect(first.images == ["app": "web:1", "sidecar": "web:1"] && second.images == first.images)
    #expect(first.workload == Workload(kind: "StatefulSet", name: "web") && second.workload == first.workload)
    #expect(second.runtimeClassName == "gvisor")
    #expect(try pod("web-2", "web:2").images == ["app": "web:2", "sidecar": "web:2"])
  }

  @Test
  func `an update reuses memory, and keeps the identity of the same Pod`() {
    // Long enough that the few bytes by which the allocator may exceed a request do not count.
    let annotations = ["a": String(repeating: "b", count: 200)]
    var record = Fields(phase: "Pending", annotations: annotations).record
    let (memory, identity) = (ObjectIdentifier(record.storage), record.identity)
    for var newer in [Fields(version: "2", phase: "Running", podIPs: ["10.1.0.8"]), Fields(version: "3", node: "other", phase: "Running")] {
      newer.annotations = annotations
      record.update(to: newer.record)
      #expect(record == newer.record)
      #expect(ObjectIdentifier(record.storage) == memory)
      #expect(record.identity.isSameInMemory(as: identity))
    }
    record.update(to: Fields(uid: "v", phase: "Running").record)
    #expect(record.uid == "v")
  }

  @Test
  func `an update does not change a shared record`() {
    let older = Fields(phase: "Pending").record
    var record = older
    record.update(to: Fields(version: "2", phase: "Running").record)
    #expect(older == Fields(phase: "Pending").record)
    #expect(record == Fields(version: "2", phase: "Running").record)
    #expect(record.identity.isSameInMemory(as: older.identity))
  }

  @Test
  func `a record that grows, or shrinks to less than half, is reallocated`() {
    let many = (0..<40).map { ContainerRecord(name: "container-\($0)") }
    var record = Fields(phase: "Running").record
    record.update(to: Fields(phase: "Running", containers: many).record)
    #expect(record.containers == many)
    record.update(to: Fields(phase: "Running").record)
    #expect(record == Fields(phase: "Running").record)
    #expect(record.storage.capacity < 100)
  }

  @Test(
    arguments: [
      "ContainerCreating", "PodInitializing", "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError",
    ])
  func `a waiting container with a usual reason needs no more bytes than a running one`(_ reason: String) {
    func pod(_ state: ContainerRecord.State) -> PodRecord {
      Fields(phase: "Running", containers: [ContainerRecord(name: "c", state: state)]).record
    }
    let running = pod(.running(startedAtUnixMilliseconds: 1_700_000_000_000))
    #expect(pod(.waiting(reason: reason)).storage.header.count <= running.storage.header.count)
    for text in [reason, reason + "s", String(reason.dropLast())] {
      #expect(pod(.waiting(reason: text)).containers.map(\.state) == [.waiting(reason: text)])
    }
  }
}

@Suite struct WorkloadTests {
  @Test(
    arguments: [
      ("ReplicaSet", "web-7d4b9c6f5d", "7d4b9c6f5d", "Deployment/web"),
      ("ReplicaSet", "web-7d4b9c6f5d", "", "ReplicaSet/web-7d4b9c6f5d"),
      ("ReplicaSet", "web-7d4b9c6f5d", "other", "ReplicaSet/web-7d4b9c6f5d"),
      ("ReplicaSet", "web7d4b9c6f5d", "7d4b9c6f5d", "ReplicaSet/web7d4b9c6f5d"),
      ("ReplicaSet", "7d4b9c6f5d", "7d4b9c6f5d", "ReplicaSet/7d4b9c6f5d"),
      ("ReplicaSet", "-7d4b9c6f5d", "7d4b9c6f5d", "ReplicaSet/-7d4b9c6f5d"),
      ("ReplicaSet", "b", "longer-than-the-name", "ReplicaSet/b"),
      ("Job", "backup-29387520", "", "CronJob/backup"),
      ("Job", "backup", "", "Job/backup"),
      ("Job", "29387520", "", "Job/29387520"),
      ("Job", "report-20251231", "", "Job/report-20251231"),
      ("Job", "backup-2938752x", "", "Job/backup-2938752x"),
      ("Job", "backup29387520", "", "Job/backup29387520"),
      ("StatefulSet", "db", "7d4b9c6f5d", "StatefulSet/db"),
      ("DaemonSet", "logs", "", "DaemonSet/logs"),
      ("Rollout", "web-29387520", "", "Rollout/web-29387520"),
      ("Node", "worker-1", "", nil),
      ("", "web", "", nil),
      ("ReplicaSet", "", "7d4b9c6f5d", nil),
    ])
  func `R80: a Pod's workload is what a user edits`(_ kind: String, _ name: String, _ hash: String, _ workload: String?) throws {
    let protobuf = ProtobufEncoder {
      $0.message(1) {
        $0.string(1, "p")
        $0.message(13) {
          $0.string(1, kind)
          $0.string(3, name)
          $0.integer(6, 1)
        }
        $0.entry(11, "pod-template-hash", hash)
      }
    }.bytes
    let json = """
      {"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"p","labels":{"pod-template-hash":"\(hash)"},\
      "ownerReferences":[{"kind":"\(kind)","name":"\(name)","controller":true}]}}]}
      """
    let pods = try Samples.pods.page(Samples.list(kind: "PodList", [protobuf], version: "1"), contentType: MediaType.protobuf).records
    #expect(pods.map { $0.workload?.description } == [workload])
    #expect(try Samples.pods.page(Array(json.utf8), contentType: MediaType.json).records == pods)
  }
}

@Suite struct RestartTests {
  /// A container's policy, the Pod's, the state of the container, and whether the kubelet starts it again.
  private static let cases: [(own: String?, pod: String?, state: String, kind: String, restarts: Bool)] = [
    (nil, nil, "terminated 0", "containers", true),
    (nil, "Always", "terminated 0", "containers", true),
    (nil, "OnFailure", "terminated 0", "containers", false),
    (nil, "OnFailure", "terminated 137", "containers", true),
    (nil, "Never", "terminated 1", "containers", false),
    (nil, "Never", "running", "containers", false),
    (nil, "Always", "running again", "containers", true),
    (nil, "Always", "waiting", "containers", false),
    (nil, "Always", "waiting again", "containers", true),
    ("Never", "Always", "terminated 1", "containers", false),
    ("Always", "Never", "terminated 0", "containers", true),
    ("OnFailure", "Never", "terminated 1", "containers", true),
    ("Unheard-of", "Never", "terminated 1", "containers", false),
    ("Never", "Never", "terminated 42", "containers", true),
    (nil, "Always", "terminated 0", "initContainers", false),
    (nil, "Always", "terminated 1", "initContainers", true),
    (nil, "Never", "terminated 1", "initContainers", false),
    (nil, "Always", "waiting again", "initContainers", true),
    ("Always", "Never", "terminated 0", "initContainers", true),
    ("Always", "Never", "waiting again", "initContainers", true),
    ("Never", "Always", "terminated 1", "initContainers", false),
    (nil, "Always", "terminated 1", "ephemeralContainers", false),
  ]

  @Test(arguments: cases.indices)
  func `R72 and R73: a container restarts if it did before, or if the kubelet's rules ask for it`(_ index: Int) throws {
    let (own, pod, state, kind, restarts) = Self.cases[index]
    let specification: JSONValue = [
      "name": "c", "restartPolicy": own.map { .string($0) } ?? .null,
      "restartPolicyRules": [["action": "Restart", "exitCodes": ["operator": "In", "values": [42]]]],
    ]
    let words = state.split(separator: " ")
    var status: JSONValue = ["name": "c", "restartCount": words.last == "again" ? 1 : 0]
    switch words[0] {
    case "terminated": status["state"] = ["terminated": ["exitCode": .integer(try #require(Int64(words[1])))]]
    case "running": status["state"] = ["running": [:]]
    default: status["state"] = ["waiting": ["reason": "CrashLoopBackOff"]]
    }
    let statuses = ["containers": "containerStatuses", "initContainers": "initContainerStatuses"][kind] ?? "ephemeralContainerStatuses"
    let list: JSONValue = [
      "kind": "PodList", "metadata": ["resourceVersion": "1"],
      "items": [
        [
          "metadata": ["name": "p"], "spec": ["restartPolicy": pod.map { .string($0) } ?? .null, kind: [specification]],
          "status": [statuses: [status]],
        ]
      ],
    ]
    let record = try #require(Samples.pods.page(list.bytes, contentType: MediaType.json).records.first)
    #expect(record.containers.map(\.restarts) == [restarts])
    #expect(record.containers.map { $0.kind == .sidecar } == [kind == "initContainers" && own == "Always"])
  }

  @Test
  func `R72: a container that restarts, and a workload, need no more memory`() {
    func count(_ workload: Workload?, _ container: ContainerRecord) -> UInt32 {
      PodRecord(namespace: "a", name: "b", workload: workload, containers: [container]).storage.header.count
    }
    let plain = count(nil, ContainerRecord(name: "c"))
    #expect(count(Workload(kind: "Deployment", name: "web"), ContainerRecord(name: "c", kind: .sidecar, restarts: true)) == plain)
  }
}

@Suite struct NodeRecordTests {
  @Test
  func `a record keeps its fields`() {
    let labels = Dictionary(uniqueKeysWithValues: (0..<200).map { ("label-\($0)", String(repeating: "v", count: $0)) })
    let addresses = [NodeAddress(type: "InternalIP", address: "10.0.0.5"), NodeAddress(type: "", address: "")]
    let node = NodeRecord(
      name: "worker-1", uid: "odd", resourceVersion: "x", labels: labels, annotations: ["a": "b"], operatingSystem: "plan9",
      addresses: addresses, ready: false, kubeletPort: 10250)
    #expect(node.name == "worker-1")
    #expect(node.uid == "odd")
    #expect(node.labels == labels)
    #expect(node.annotations == ["a": "b"])
    #expect(node.operatingSystem == "plan9")
    #expect(node.addresses == addresses)
    #expect(node.ready == false)
    #expect(node.kubeletPort == 10250)
    #expect(NodeRecord(name: "a").ready == nil)
    #expect(NodeRecord(name: "a", ready: true).ready == true)
  }

  @Test(arguments: [Int.min, -1, 0, 65536, .max]) func `an invalid port counts as none`(_ port: Int) {
    #expect(NodeRecord(name: "a", kubeletPort: port).kubeletPort == nil)
  }

  @Test func `Nodes are equal if all fields are`() {
    let node = NodeRecord(name: "a", labels: ["b": "c", "d": "e"], ready: true)
    #expect(node == NodeRecord(name: "a", labels: ["d": "e", "b": "c"], ready: true))
    let others = [
      NodeRecord(name: "b", labels: ["b": "c", "d": "e"], ready: true), NodeRecord(name: "a", labels: ["b": "c", "d": "f"], ready: true),
      NodeRecord(name: "a", labels: ["b": "c", "d": "e"]), NodeRecord(name: "a", uid: "u", labels: ["b": "c", "d": "e"], ready: true),
    ]
    for other in others { #expect(node != other) }
  }
}
