@testable import KubeClient

/// A Node and a Pod in both formats, with all fields that are read and many that are not.
enum Samples {
  static let node: [UInt8] =
    ProtobufEncoder {
      $0.message(1) {
        $0.string(1, "worker-1")
        $0.string(5, "0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6f")
        $0.string(6, "4711")
        $0.integer(7, 3)
        $0.message(8) { $0.integer(1, 1_700_000_000) }
        $0.entry(11, "kubernetes.io/os", "linux")
        $0.entry(11, "tier", "")
        $0.entry(12, "rollcall.dev/port", "9100")
        $0.entry(12, "kubectl.kubernetes.io/last-applied", "{}")
        $0.message(17) { $0.string(1, "kubelet") }
      }
      $0.message(2) { $0.string(1, "10.1.0.0/24") }
      $0.message(3) {
        $0.message(4) {
          $0.string(1, "MemoryPressure")
          $0.string(2, "False")
        }
        $0.message(4) {
          $0.string(1, "Ready")
          $0.string(2, "True")
          $0.message(3) { $0.integer(1, 1_700_000_100) }
        }
        $0.message(5) {
          $0.string(1, "InternalIP")
          $0.string(2, "10.0.0.5")
        }
        $0.message(5) {
          $0.string(1, "Hostname")
          $0.string(2, "worker-1.example")
        }
        $0.message(6) { $0.message(1) { $0.integer(1, 10250) } }
        $0.message(7) {
          $0.string(1, "machine")
          $0.string(9, "linux")
          $0.string(10, "amd64")
        }
        $0.fixed64(99, 7)
      }
    }.bytes

  static let nodeJSON = """
    {"kind":"Node","apiVersion":"v1","metadata":{"name":"worker-1","uid":"0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6f","resourceVersion":"4711",\
    "generation":3,"creationTimestamp":"2023-11-14T22:13:20Z","labels":{"kubernetes.io/os":"linux","tier":""},\
    "annotations":{"rollcall.dev/port":"9100","kubectl.kubernetes.io/last-applied":"{}"},"managedFields":[{"manager":"kubelet"}]},\
    "spec":{"podCIDR":"10.1.0.0/24"},"status":{"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True",\
    "lastHeartbeatTime":"2023-11-14T22:15:00Z"}],"addresses":[{"type":"InternalIP","address":"10.0.0.5"},\
    {"type":"Hostname","address":"worker-1.example"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},\
    "nodeInfo":{"machineID":"machine","operatingSystem":"linux","architecture":"amd64"}}}
    """

  static let nodeRecord = NodeRecord(
    name: "worker-1", uid: "0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6f", resourceVersion: "4711",
    labels: ["kubernetes.io/os": "linux", "tier": ""], annotations: ["rollcall.dev/port": "9100"], operatingSystem: "linux",
    addresses: [NodeAddress(type: "InternalIP", address: "10.0.0.5"), NodeAddress(type: "Hostname", address: "worker-1.example")],
    ready: true, kubeletPort: 10250)

  // The status comes before the spec here, since protobuf does not define an order.
  static let pod: [UInt8] =
    ProtobufEncoder {
      $0.message(1) {
        $0.string(1, "web-0")
        $0.string(3, "shop")
        $0.string(5, "5f6e7d8c-1111-2222-3333-444455556666")
        $0.string(6, "4712")
        $0.message(9) { $0.integer(1, 1_700_000_500) }
        $0.entry(11, "app", "web")
        $0.entry(11, "pod-template-hash", "7d4b9c")
        $0.entry(12, "rollcall.dev/ignore", "true")
        $0.entry(12, "other", "x")
        $0.message(13) {
          $0.string(1, "Audit")
          $0.string(3, "other")
        }
        $0.message(13) {
          $0.string(1, "ReplicaSet")
          $0.string(3, "web-7d4b9c")
          $0.integer(6, 1)
        }
      }
      $0.message(3) {
        $0.string(1, "Running")
        $0.string(6, "10.1.0.9")
        $0.message(10) {
          $0.string(1, "setup")
          $0.message(2) { $0.message(3) { $0.integer(1, 0) } }
          $0.string(8, "containerd://aaa")
        }
        $0.message(10) {
          $0.string(1, "mesh")
          $0.message(2) { $0.message(3) { $0.integer(1, 0) } }
          $0.integer(5, 4)
        }
        $0.message(8) {
          $0.string(1, "sidecar")
          $0.message(2) { $0.message(1) { $0.string(1, "CrashLoopBackOff") } }
          $0.message(3) { $0.message(3) { $0.integer(1, 1) } }
          $0.string(8, "containerd://ccc")
        }
        $0.message(8) {
          $0.string(1, "app")
          $0.message(2) { $0.message(2) { $0.message(1) { $0.integer(1, 1_700_000_200) } } }
          $0.string(6, "docker.io/library/image:1")
          $0.string(8, "containerd://bbb")
        }
        $0.message(12) { $0.string(1, "10.1.0.9") }
        $0.message(12) { $0.string(1, "fd00::9") }
        $0.message(13) {
          $0.string(1, "debug")
          $0.message(2) { $0.message(2) { $0.message(1) { _ in } } }
        }
      }
      $0.message(2) {
        $0.message(1) { $0.string(1, "a-volume") }
        $0.message(2) {
          $0.string(1, "app")
          $0.string(2, "image")
          $0.message(15) { $0.message(10) { $0.integer(4, 0) } }
        }
        $0.message(2) {
          $0.string(1, "sidecar")
          $0.string(2, "proxy")
          $0.string(24, "Never")
          $0.message(25) {
            $0.string(1, "Restart")
            $0.message(2) {
              $0.string(1, "In")
              $0.integer(2, 42)
              $0.integer(2, 43)
            }
          }
        }
        $0.string(10, "worker-1")
        $0.integer(11, 1)
        $0.message(14) { $0.message(8) { $0.integer(4, 1) } }
        $0.string(3, "OnFailure")
        $0.message(20) { $0.string(1, "setup") }
        $0.message(20) {
          $0.string(1, "mesh")
          $0.string(24, "Always")
        }
        $0.string(29, "kata-qemu")
        $0.message(34) {
          $0.message(1) { $0.string(1, "debug") }
          $0.string(2, "app")
        }
      }
    }.bytes

  static let podJSON = """
    {"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-0","namespace":"shop","uid":"5f6e7d8c-1111-2222-3333-444455556666",\
    "resourceVersion":"4712","deletionTimestamp":"2023-11-14T22:21:40Z","labels":{"app":"web","pod-template-hash":"7d4b9c"},\
    "ownerReferences":[{"kind":"Audit","name":"other"},{"kind":"ReplicaSet","name":"web-7d4b9c","controller":true}],\
    "annotations":{"rollcall.dev/ignore":"true","other":"x"}},"spec":{"volumes":[{"name":"a-volume"}],"containers":[\
    {"name":"app","image":"image","securityContext":{"windowsOptions":{"hostProcess":false}}},{"name":"sidecar","image":"proxy",\
    "restartPolicy":"Never","restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[42,43]}}]}],"nodeName":"worker-1",\
    "hostNetwork":true,"securityContext":{"windowsOptions":{"hostProcess":true}},"initContainers":[{"name":"setup"},{"name":"mesh","restartPolicy":"Always"}],\
    "restartPolicy":"OnFailure","runtimeClassName":"kata-qemu",\
    "ephemeralContainers":[{"name":"debug","targetContainerName":"app"}]},"status":{"phase":"Running","podIP":"10.1.0.9",\
    "podIPs":[{"ip":"10.1.0.9"},{"ip":"fd00::9"}],"initContainerStatuses":[{"name":"setup","containerID":"containerd://aaa",\
    "state":{"terminated":{"exitCode":0}}},{"name":"mesh","restartCount":4,"state":{"terminated":{"exitCode":0}}}],"containerStatuses":[{"name":"sidecar","containerID":"containerd://ccc",\
    "state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1}}},{"name":"app",\
    "containerID":"containerd://bbb","image":"docker.io/library/image:1","state":{"running":{"startedAt":"2023-11-14T22:16:40Z"}}}],\
    "ephemeralContainerStatuses":[{"name":"debug","state":{"running":{"startedAt":null}}}]}}
    """

  static let podRecord = PodRecord(
    namespace: "shop", name: "web-0", uid: "5f6e7d8c-1111-2222-3333-444455556666", resourceVersion: "4712", nodeName: "worker-1",
    phase: "Running", hostNetwork: true, podIPs: ["10.1.0.9", "fd00::9"], annotations: ["rollcall.dev/ignore": "true"],
    deletionTimestamp: 1_700_000_500, workload: Workload(kind: "Deployment", name: "web"), runtimeClassName: "kata-qemu",
    containers: [
      ContainerRecord(name: "setup", kind: .initialization, containerID: "containerd://aaa", state: .terminated, hostProcess: true),
      ContainerRecord(name: "mesh", kind: .sidecar, state: .terminated, restarts: true, hostProcess: true),
      ContainerRecord(
        name: "app", containerID: "containerd://bbb", state: .running(startedAtUnixMilliseconds: 1_700_000_200_000), hostProcess: false),
      ContainerRecord(
        name: "sidecar", containerID: "containerd://ccc", state: .waiting(reason: "CrashLoopBackOff"), restarts: true,
        hostProcess: true),
      ContainerRecord(name: "debug", kind: .ephemeral, state: .running(startedAtUnixMilliseconds: nil), hostProcess: true),
    ], images: ["app": "docker.io/library/image:1", "sidecar": "proxy"])

  static let nodes = RecordDecoder<NodeRecord>.nodes(annotationPrefixes: ["rollcall.dev/"])
  static let pods = RecordDecoder<PodRecord>.pods(annotationPrefixes: ["rollcall.dev/"])

  /// A protobuf list.
  static func list(kind: String, _ objects: [[UInt8]], version: String, token: String = "") -> [UInt8] {
    ProtobufEncoder.enveloped(
      kind: kind,
      ProtobufEncoder {
        $0.message(1) {
          $0.string(1, "")
          $0.string(2, version)
          $0.string(3, token)
        }
        for object in objects { $0.chunk(2, object) }
      }.bytes)
  }

  /// A minimal Node in JSON.
  static func nodeJSON(_ name: String, version: Int) -> String {
    #"{"kind":"Node","apiVersion":"v1","metadata":{"name":"\#(name)","resourceVersion":"\#(version)"}}"#
  }

  /// A page of Nodes in JSON. Its items have no kind, as from the API server.
  static func nodeListJSON(_ names: [String], version: Int, token: String? = nil) -> String {
    let items = names.map { #"{"metadata":{"name":"\#($0)","resourceVersion":"\#(version)"}}"# }.joined(separator: ",")
    let next = token.map { #","continue":"\#($0)""# } ?? ""
    return #"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"\#(version)"\#(next)},"items":[\#(items)]}"#
  }

  /// A line of a watch in JSON.
  static func eventJSON(_ type: String, _ object: String) -> String {
    #"{"type":"\#(type)","object":\#(object)}"# + "\n"
  }

  static func statusJSON(_ code: Int, _ reason: String, _ message: String = "", details: String = "{}") -> String {
    #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"\#(message)","reason":"\#(reason)","details":\#(details),"code":\#(code)}"#
  }
}

extension WatchFraming {
  /// Appends as `WatchStream` does.
  mutating func append(_ piece: [UInt8]) {
    discardConsumed()
    buffer += piece
  }
}
