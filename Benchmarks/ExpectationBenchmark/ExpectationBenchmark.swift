import BenchmarkSupport
import Glibc
import JSON
import KubeClient

@testable import Controller

/// Measures what the containers of a large cluster are expected to be scraped for: memory, one changed monitor, one pass over all Pods.
/// Prints a line for each figure; hack/bench-expectation compares them with the budgets.
@main struct ExpectationBenchmark {
  static let serviceCount = 10_000
  static let podsPerService = 15
  static let monitorCount = 500
  static let namespaceCount = 100
  static let repetitions = 10

  var expectation = ScrapeExpectations()

  static func main() {
    var benchmark = ExpectationBenchmark()
    // Allocates what the runtime keeps for any value of this type, before the memory is measured.
    var warm = ScrapeExpectations()
    warm.set(service(0))
    _ = warm.expectations(of: pod(0, 0))
    let before = ProcessFigures.bytes("RssAnon")
    benchmark.enter()
    print("memory bytes=\(Int(ProcessFigures.bytes("RssAnon") - before))")
    for _ in 0..<repetitions {
      print("service-monitor seconds=\(benchmark.change(.serviceMonitor))")
      print("pod-monitor seconds=\(benchmark.change(.podMonitor))")
      print("slice seconds=\(benchmark.changeSlice())")
    }
    print("pass seconds=\(benchmark.pass())")
  }

  static func namespace(_ service: Int) -> String { "namespace-\(service % namespaceCount)" }

  static func metadata(_ name: String, _ service: Int, labels: JSONValue) -> JSONValue {
    ["name": .string(name), "namespace": .string(namespace(service)), "resourceVersion": "123456789", "labels": labels]
  }

  static func labels(_ service: Int) -> JSONValue {
    [
      "app.kubernetes.io/name": .string("service-\(service)"), "app.kubernetes.io/instance": .string("service-\(service)"),
      "app.kubernetes.io/version": "1.2.3", "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": .string("service-\(service)-1.2.3"),
      "tier": .string("tier-\(service % 5)"),
    ]
  }

  static func service(_ number: Int) -> ServiceRecord {
    ServiceRecord([
      "metadata": metadata("service-\(number)", number, labels: labels(number)),
      "spec": [
        "selector": ["app.kubernetes.io/name": .string("service-\(number)"), "app.kubernetes.io/instance": .string("service-\(number)")],
        "ports": [["name": "http", "port": 80, "targetPort": "http"], ["name": "metrics", "port": 9100, "targetPort": "metrics"]],
      ],
    ])
  }

  static func podName(_ service: Int, _ pod: Int) -> String { "service-\(service)-5d8f7c9b6d-x\(pod)z4q" }

  static func slice(_ service: Int, version: Int = 0) -> EndpointSliceRecord {
    EndpointSliceRecord([
      "metadata": metadata(
        "service-\(service)-abcde", service,
        labels: [
          "kubernetes.io/service-name": .string("service-\(service)"),
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        ]),
      "addressType": "IPv4", "ports": [["name": "http", "port": 8080], ["name": "metrics", "port": 9100]],
      "endpoints": .array(
        (0..<podsPerService).map { pod in
          [
            "addresses": [.string("10.\(service / 256).\(service % 256).\(pod + version)")],
            "targetRef": ["kind": "Pod", "namespace": .string(namespace(service)), "name": .string(podName(service, pod))],
          ]
        }),
    ])
  }

  static func pod(_ service: Int, _ pod: Int) -> PodRecord {
    PodRecord(
      namespace: namespace(service), name: podName(service, pod), uid: "0b7e7a5c-6d5e-4b4e-9d5f-\(100_000_000_000 + service * 16 + pod)",
      resourceVersion: "123456789", nodeName: "node", phase: "Running", podIPs: ["10.\(service / 256).\(service % 256).\(pod)"],
      containers: [ContainerRecord(name: "app"), ContainerRecord(name: "proxy")],
      labels: labels(service).object?.compactMapValues(\.string).merging(["pod-template-hash": "5d8f7c9b6d"]) { $1 },
      ports: ["app": [ContainerPort(name: "http", number: 8080), ContainerPort(name: "metrics", number: 9100)]])
  }

  /// - Parameter number: every monitor but the last selects the Services or Pods of one tier in one namespace; the last one selects all.
  static func monitor(_ kind: MonitorID.Kind, _ number: Int, port: String) -> MonitorRecord {
    let isLast = number == monitorCount
    return MonitorRecord(
      kind,
      [
        "metadata": metadata("monitor-\(number)", number, labels: ["release": "main"]),
        "spec": [
          "selector": ["matchLabels": isLast ? ["app.kubernetes.io/managed-by": "Helm"] : ["tier": .string("tier-\(number % 5)")]],
          "namespaceSelector": ["any": .bool(isLast)], kind == .podMonitor ? "podMetricsEndpoints" : "endpoints": [["port": .string(port)]],
        ],
      ])
  }

  mutating func enter() {
    for shard in 0..<2 {
      expectation.set(
        PrometheusRecord(
          .server,
          [
            "metadata": ["name": .string("main-\(shard)"), "namespace": "monitoring"],
            "spec": [
              "serviceMonitorSelector": ["matchLabels": ["release": "main"]], "serviceMonitorNamespaceSelector": [:],
              "podMonitorSelector": ["matchLabels": ["release": "main"]], "podMonitorNamespaceSelector": [:],
            ],
          ]))
    }
    for number in 0..<Self.serviceCount {
      expectation.set(Self.service(number))
      expectation.set(Self.slice(number))
      _ = expectation.expectations(of: Self.pod(number, 0))
    }
    for number in 0..<Self.monitorCount {
      expectation.set(Self.monitor(number % 2 == 0 ? .serviceMonitor : .podMonitor, number, port: "http"))
    }
  }

  private static func measure(_ body: () -> Void) -> Double {
    let start = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID)
    body()
    return ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID) - start
  }

  /// Enters a monitor that selects everything, and removes it.
  mutating func change(_ kind: MonitorID.Kind) -> Double {
    let record = Self.monitor(kind, Self.monitorCount, port: "metrics")
    let time = Self.measure { expectation.set(record) }
    expectation.removeMonitor(record.id)
    return time
  }

  mutating func changeSlice() -> Double {
    let slice = Self.slice(7, version: 1)
    return Self.measure { expectation.set(slice) }
  }

  /// Asks for every Pod.
  mutating func pass() -> Double {
    var time = 0.0
    expectation.beginPass()
    for number in 0..<Self.serviceCount {
      let pods = (0..<Self.podsPerService).map { Self.pod(number, $0) }
      time += Self.measure { for pod in pods { _ = expectation.expectations(of: pod) } }
    }
    expectation.endPass()
    return time
  }
}
