internal import JSON

/// The nodes and pods of the demo.
struct DemoCluster {
  /// A node with its own address: every address in 127.0.0.0/8 belongs to this machine.
  struct Node {
    var name: String
    var address: String
    var operatingSystem: String
    var isVirtual = false
    /// A node without a host, as those of AWS Fargate.
    var isFargate = false

    /// Whether the node has an agent.
    var isLinux: Bool { operatingSystem == "linux" && !isVirtual && !isFargate }
  }

  struct Container {
    var name: String
    var image: String
    var id: String
    var state: JSONValue
    var hostProcess = false
    /// A port that it declares.
    var port: (name: String, number: Int)?
    /// The numbers of sockets that the process of a running Linux container opens.
    var listening = 0
    var connections = 0

    var isRunning: Bool { state["running"] != nil }
  }

  struct Pod {
    var namespace: String
    var name: String
    var node: Node
    var address: String
    var uid: String
    var phase = "Running"
    var hostNetwork = false
    var labels: [String: String] = [:]
    /// The name of the StatefulSet that owns it.
    var workload: String?
    var runtimeClass: String?
    var containers: [Container]

    /// Whether processes stand for its containers. Those of an exempt Pod are not looked for.
    var hasProcesses: Bool {
      node.isLinux && runtimeClass == nil && ![DemoCluster.exemptNamespace, DemoCluster.policyNamespace].contains(namespace)
    }
  }

  /// Ignored by an annotation.
  static let exemptNamespace = "lab"
  /// Exempt by a policy.
  static let policyNamespace = "research"
  /// Where the nodes are, unless the user chooses others.
  static let standardNetwork = "127.0.0"

  var nodes: [Node]
  var pods: [Pod]

  /// Two Linux nodes, a Windows node, a virtual node and one of Fargate, with a container for each case of a roll, and the workloads that ask
  /// to be scraped.
  /// - Parameter network: the first three numbers of the addresses of the nodes.
  static func standard(startedAt: String, network: String = standardNetwork) -> DemoCluster {
    let linux1 = Node(name: "linux-1", address: "\(network).11", operatingSystem: "linux")
    let linux2 = Node(name: "linux-2", address: "\(network).12", operatingSystem: "linux")
    let windows1 = Node(name: "windows-1", address: "\(network).21", operatingSystem: "windows")
    let virtual1 = Node(name: "virtual-1", address: "\(network).31", operatingSystem: "linux", isVirtual: true)
    let fargate1 = Node(name: "fargate-1", address: "\(network).32", operatingSystem: "linux", isFargate: true)
    let running: JSONValue = ["running": ["startedAt": .string(startedAt)]]
    let finished: JSONValue = ["terminated": ["exitCode": 0, "reason": "Completed", "finishedAt": .string(startedAt)]]
    let crashing: JSONValue = ["waiting": ["reason": "CrashLoopBackOff"]]

    func container(_ name: String, _ image: String, id: Int, state: JSONValue? = nil) -> Container {
      Container(name: name, image: image, id: hexadecimal(id), state: state ?? running)
    }
    var web = container("web", "shop/web:1.4", id: 0xA1)
    (web.listening, web.connections) = (25, 20)
    var proxy = container("proxy", "mesh/proxy:2.0", id: 0xA2)
    (proxy.listening, proxy.connections) = (2, 3)
    var cache = container("cache", "shop/cache:7", id: 0xA3)
    (cache.listening, cache.connections) = (1, 12)
    var dns = container("dns", "system/dns:1.11", id: 0xA4)
    (dns.listening, dns.connections) = (4, 0)
    var storage = container("csi-proxy", "system/csi-proxy:1.2", id: 0xB2)
    storage.hostProcess = true

    let monitored = DemoWorkload.allCases.enumerated().map { number, workload in
      workload.pod(on: linux2, number: number, container: container(workload.rawValue, "shop/\(workload):2", id: 0xD0 + number))
    }
    let prometheus = DemoWorkload.prometheus(
      on: linux2, network: network, uid: uid(10), container: container("prometheus", "prometheus:3", id: 0xC4))
    return DemoCluster(
      nodes: [linux1, linux2, windows1, virtual1, fargate1],
      pods: [
        Pod(namespace: "shop", name: "web-0", node: linux1, address: "10.20.1.10", uid: uid(1), containers: [web, proxy]),
        Pod(namespace: "shop", name: "cache-0", node: linux1, address: "10.20.1.11", uid: uid(2), containers: [cache]),
        Pod(
          namespace: "shop", name: "import-1", node: linux1, address: "10.20.1.12", uid: uid(3), phase: "Succeeded",
          containers: [container("import", "shop/import:1.4", id: 0xA5, state: finished)]),
        Pod(namespace: "kube-system", name: "dns-0", node: linux2, address: "10.20.2.10", uid: uid(4), containers: [dns]),
        Pod(
          namespace: "shop", name: "mailer-0", node: linux2, address: "10.20.2.11", uid: uid(5),
          containers: [container("mailer", "shop/mailer:1.4", id: 0xA6, state: crashing)]),
        Pod(
          namespace: "shop", name: "reports-0", node: windows1, address: "10.20.3.10", uid: uid(6),
          containers: [container("iis", "shop/reports:2022", id: 0xB1)]),
        Pod(namespace: "kube-system", name: "csi-proxy-0", node: windows1, address: windows1.address, uid: uid(7), containers: [storage]),
        Pod(
          namespace: "batch", name: "render-0", node: virtual1, address: "\(network).51", uid: uid(8),
          containers: [container("render", "batch/render:3", id: 0xC1)]),
        Pod(
          namespace: "batch", name: "render-1", node: virtual1, address: "\(network).52", uid: uid(9),
          containers: [container("render", "batch/render:3", id: 0xC2), container("upload", "batch/upload:3", id: 0xC3)]),
        // Exempt: an ignored namespace, one of a policy, a sandbox that the node does not see into, and a node without a host.
        Pod(
          namespace: exemptNamespace, name: "trial-0", node: linux2, address: "10.20.2.12", uid: uid(11),
          containers: [container("trial", "lab/trial:0", id: 0xA7)]),
        Pod(
          namespace: policyNamespace, name: "model-0", node: linux2, address: "10.20.2.14", uid: uid(14),
          containers: [container("model", "research/model:1", id: 0xAA)]),
        Pod(
          namespace: "shop", name: "plugins-0", node: linux2, address: "10.20.2.13", uid: uid(12), runtimeClass: "gvisor",
          containers: [container("plugins", "shop/plugins:5", id: 0xA8)]),
        Pod(
          namespace: "shop", name: "thumbnails-0", node: fargate1, address: "10.20.4.10", uid: uid(13),
          containers: [container("thumbnails", "shop/thumbnails:2", id: 0xA9)]),
        prometheus,
      ] + monitored)
  }

  /// The same cluster with the Linux pods in the network of their nodes.
  func withLinuxPodsInHostNetwork() -> DemoCluster {
    var cluster = self
    for index in cluster.pods.indices where cluster.pods[index].node.isLinux {
      cluster.pods[index].hostNetwork = true
      cluster.pods[index].address = cluster.pods[index].node.address
    }
    return cluster
  }

  private static func hexadecimal(_ seed: Int) -> String {
    let word = String(seed, radix: 16)
    return String(repeating: word, count: 32)
  }

  static func uid(_ number: Int) -> String {
    "000000\(number < 10 ? "0" : "")\(number)-d3e0-4000-8000-000000000000"
  }
}

// MARK: API objects

extension DemoCluster.Node {
  var object: JSONValue {
    var labels: JSONValue = ["kubernetes.io/hostname": .string(name), "kubernetes.io/os": .string(operatingSystem)]
    if isVirtual { labels["type"] = "virtual-kubelet" }
    if isFargate { labels["eks.amazonaws.com/compute-type"] = "fargate" }
    return [
      "apiVersion": "v1", "kind": "Node",
      "metadata": ["name": .string(name), "labels": labels],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string(address)], ["type": "Hostname", "address": .string(name)]],
        "conditions": [["type": "Ready", "status": "True", "reason": "KubeletReady"]],
        "nodeInfo": ["operatingSystem": .string(operatingSystem), "kubeletVersion": "v1.32.4", "osImage": "Demo"],
        "allocatable": ["cpu": "4", "memory": "8Gi", "pods": "110"],  // kubectl describe divides by this
        "daemonEndpoints": ["kubeletEndpoint": ["Port": 10250]],
      ],
    ]
  }
}

extension DemoCluster.Pod {
  var object: JSONValue {
    var specification: JSONValue = ["nodeName": .string(node.name), "containers": .array(containers.map(\.specification))]
    if hostNetwork { specification["hostNetwork"] = true }
    if let runtimeClass { specification["runtimeClassName"] = .string(runtimeClass) }
    var metadata: JSONValue = ["namespace": .string(namespace), "name": .string(name), "uid": .string(uid)]
    if !labels.isEmpty { metadata["labels"] = .object(JSONObject(labels.map { ($0.key, .string($0.value)) })) }
    if let workload {
      metadata["ownerReferences"] = [
        ["apiVersion": "apps/v1", "kind": "StatefulSet", "name": .string(workload), "uid": .string(uid), "controller": true]
      ]
    }
    let isReady: JSONValue = phase == "Running" && containers.allSatisfy(\.isRunning) ? "True" : "False"  // for kubectl wait
    return [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": metadata, "spec": specification,
      "status": [
        "phase": .string(phase), "podIP": .string(address), "podIPs": [["ip": .string(address)]],
        "conditions": .array(["Ready", "ContainersReady"].map { ["type": $0, "status": isReady] }),
        "containerStatuses": .array(containers.map(\.status)),
      ],
    ]
  }
}

extension DemoCluster.Container {
  fileprivate var specification: JSONValue {
    var specification: JSONValue = ["name": .string(name), "image": .string(image)]
    if hostProcess { specification["securityContext"] = ["windowsOptions": ["hostProcess": true]] }
    if let port { specification["ports"] = [["name": .string(port.name), "containerPort": .integer(Int64(port.number))]] }
    return specification
  }

  fileprivate var status: JSONValue {
    [
      "name": .string(name), "image": .string(image), "imageID": "", "containerID": .string("containerd://\(id)"),
      "ready": .bool(isRunning), "restartCount": 0, "state": state,
    ]
  }
}
