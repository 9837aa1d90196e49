import JSON
import KubeClient
import Primitives
import Testing

@testable import Controller

/// What a Pod is expected to be scraped for. The rows were seen with prometheus-operator 0.87 and Prometheus 3.12.
@Suite struct ExpectationTests {
  private typealias Objects = ScrapeObjects

  /// What a monitor with one endpoint makes of a Pod, with the Service `web` and its slice.
  private func summary(
    _ kind: MonitorID.Kind, _ endpoint: JSONValue, spec: JSONValue = [:], service: ServiceRecord = Objects.service(),
    slices: [EndpointSliceRecord] = [Objects.slice(["web-0": "10.1.0.7"])], of pod: PodRecord = Objects.pod()
  ) -> [String] {
    var spec = spec
    spec[kind == .podMonitor || kind == .vmPodScrape ? "podMetricsEndpoints" : "endpoints"] = [endpoint]
    if spec["selector"] == nil { spec["selector"] = ["matchLabels": ["app": "web"]] }
    var expectation = ScrapeExpectations([Objects.monitor(kind, spec)], services: [service], slices: slices)
    return expectation.summary(of: pod)
  }

  // MARK: Ports of monitors of Services

  @Test func `R114: the port of a ServiceMonitor is one of the Service`() {
    #expect(summary(.serviceMonitor, ["port": "http"]) == ["app 10.1.0.7:8080 http"])
    #expect(summary(.vmServiceScrape, ["port": "http"]) == ["app 10.1.0.7:8080 http"])
    #expect(summary(.serviceMonitor, ["port": "http"], of: Objects.pod(ports: [:])) == ["- 10.1.0.7:8080 http"], "no container declares it")
    #expect(summary(.serviceMonitor, ["port": "metrics"]) == ["no port in service web of http"])
    #expect(summary(.serviceMonitor, ["port": "http", "targetPort": "gone"]) == ["app 10.1.0.7:8080 http"], "port counts")
  }

  @Test func `R114: the name of a port is a regular expression`() {
    for kind in [MonitorID.Kind.serviceMonitor, .podMonitor] {
      for (pattern, isFound) in [("http|metrics", true), ("h.*", true), ("ht.p", true), ("ttp", false), ("HTTP", false), ("(", false)] {
        #expect((summary(kind, ["port": .string(pattern)]) == ["app 10.1.0.7:8080 http"]) == isFound, "\(kind) \(pattern)")
      }
    }
    #expect(summary(.serviceMonitor, ["targetPort": "http|x"]) == ["app 10.1.0.7:8080 http"])
  }

  @Test func `R114: a target port is one that a container declares, also if the Service does not have it`() {
    let pod = Objects.pod(ports: ["app": [ContainerPort(name: "http", number: 8080), ContainerPort(name: "extra", number: 9100)]])
    for port in ["extra", 9100] as [JSONValue] {
      #expect(summary(.serviceMonitor, ["targetPort": port], of: pod) == ["app 10.1.0.7:9100 extra"])
      #expect(summary(.serviceMonitor, ["targetPort": port]) == ["no port in containers of http:8080"])
    }
    for port in ["http", 8080] as [JSONValue] {
      #expect(summary(.serviceMonitor, ["targetPort": port], of: Objects.pod(ports: [:])) == ["no port in containers of "])
    }
    for endpoint in [[:], ["port": ""], ["targetPort": 0]] as [JSONValue] {
      #expect(summary(.serviceMonitor, endpoint, of: pod) == ["app 10.1.0.7:8080 http", "app 10.1.0.7:9100 extra"], "every port")
    }
  }

  @Test func `R114: a port whose target no container declares is missing`() {
    let service = Objects.service(["selector": ["app": "web"], "ports": [["name": "http", "port": 80, "targetPort": "www"]]])
    #expect(summary(.serviceMonitor, ["port": "http"], service: service, slices: []) == ["no target port www of service web"])
    let noPorts = Objects.slice(ports: [], ["web-0": "10.1.0.7"])
    #expect(summary(.serviceMonitor, ["port": "http"], service: service, slices: [noPorts]) == ["no target port www of service web"])
  }

  @Test func `R114: of two containers with one port behind a Service the last is named, init containers after the others`() {
    let port = [ContainerPort(name: "http", number: 8080)]
    let two = Objects.pod(containers: [containerRecord("one"), containerRecord("two")], ports: ["one": port, "two": port])
    #expect(summary(.serviceMonitor, ["port": "http"], of: two) == ["two 10.1.0.7:8080 http"])
    let initContainer = Objects.pod(
      containers: [containerRecord("setup", kind: .initialization), containerRecord("app")], ports: ["setup": port, "app": port])
    #expect(summary(.serviceMonitor, ["port": "http"], of: initContainer) == ["setup 10.1.0.7:8080 http"])
  }

  // MARK: Ports of monitors of Pods

  @Test func `R114: the port of a PodMonitor is one that a container declares`() {
    for kind in [MonitorID.Kind.podMonitor, .vmPodScrape] {
      #expect(summary(kind, ["port": "http"]) == ["app 10.1.0.7:8080 http"])
      #expect(summary(kind, ["portNumber": 8080]) == ["app 10.1.0.7:8080 http"])
      #expect(summary(kind, ["targetPort": "http"]) == ["app 10.1.0.7:8080 http"])
      #expect(summary(kind, ["port": "metrics"]) == ["no port in containers of http:8080"])
      #expect(summary(kind, ["portNumber": 9100, "targetPort": 8080]) == ["no port in containers of http:8080"], "the number counts")
      #expect(summary(kind, ["port": "http", "portNumber": 9100]) == ["app 10.1.0.7:8080 http"], "the name counts")
    }
  }

  @Test func `R114: without a port every declared port is a target, and each container without any`() {
    let pod = Objects.pod(
      containers: [containerRecord("setup", kind: .initialization), containerRecord("app"), containerRecord("plain")],
      ports: ["app": [ContainerPort(name: "http", number: 8080), ContainerPort(number: 9100)]])
    #expect(
      summary(.podMonitor, [:], of: pod) == ["app 10.1.0.7:8080 http", "app 10.1.0.7:9100 ", "plain 10.1.0.7 -", "setup 10.1.0.7 -"])
  }

  @Test func `R114: two containers with one port of a PodMonitor are two targets`() {
    let port = [ContainerPort(name: "http", number: 8080)]
    let pod = Objects.pod(containers: [containerRecord("one"), containerRecord("two")], ports: ["one": port, "two": port])
    #expect(summary(.podMonitor, ["port": "http"], of: pod) == ["one 10.1.0.7:8080 http", "two 10.1.0.7:8080 http"])
  }

  @Test func `R114: init containers and sidecars are targets of a PodMonitor`() {
    for kind in [ContainerRecord.Kind.initialization, .sidecar] {
      let pod = Objects.pod(
        phase: "Pending", containers: [containerRecord("setup", kind: kind), containerRecord("app")],
        ports: ["setup": [ContainerPort(name: "http", number: 8080)]])
      #expect(summary(.podMonitor, ["port": "http"], of: pod) == ["setup 10.1.0.7:8080 http"])
    }
  }

  @Test func `R114: an IPv6 address is in brackets`() throws {
    var expectation = ScrapeExpectations([Objects.monitor(.podMonitor, ["selector": [:], "podMetricsEndpoints": [["port": "http"]]])])
    #expect(expectation.summary(of: Objects.pod(ip: "fd00::7")) == ["app [fd00::7]:8080 http"])
  }

  // MARK: Pods

  @Test func `R114: finished Pods are dropped unless the monitor keeps them, and those without an address are not found`() {
    for phase in ["Succeeded", "Failed"] {
      #expect(summary(.podMonitor, ["port": "http"], of: Objects.pod(phase: phase)).isEmpty)
      #expect(summary(.podMonitor, ["port": "http", "filterRunning": false], of: Objects.pod(phase: phase)) == ["app 10.1.0.7:8080 http"])
      #expect(summary(.serviceMonitor, ["port": "http"], of: Objects.pod(phase: phase)).isEmpty)
    }
    for phase in ["Pending", "Running", "Unknown"] {
      #expect(summary(.podMonitor, ["port": "http"], of: Objects.pod(phase: phase)) == ["app 10.1.0.7:8080 http"])
      #expect(summary(.podMonitor, ["port": "http"], of: Objects.pod(ip: nil, phase: phase)).isEmpty)
    }
  }

  // MARK: Endpoints

  private static let slicesRole: JSONValue = ["serviceDiscoveryRole": "EndpointSlice"]

  @Test func `R114: a terminating Pod remains in slices, and in Endpoints only where unready addresses are published`() {
    let slices = [Objects.slice(terminating: true, ["web-0": "10.1.0.7"])]
    #expect(summary(.serviceMonitor, ["port": "http"], slices: slices) == ["no endpoint: terminating"])
    #expect(summary(.serviceMonitor, ["port": "http"], spec: Self.slicesRole, slices: slices) == ["app 10.1.0.7:8080 http"])
    let publishing = Objects.service([
      "selector": ["app": "web"], "ports": [["name": "http", "port": 80]], "publishNotReadyAddresses": true,
    ])
    #expect(summary(.serviceMonitor, ["port": "http"], service: publishing, slices: slices) == ["app 10.1.0.7:8080 http"])
  }

  @Test func `R114: two slices with the same Pod make each target once`() {
    let pod = Objects.pod(ports: ["app": [ContainerPort(name: "http", number: 8080), ContainerPort(name: "extra", number: 9100)]])
    let slices = [
      Objects.slice(named: "a", ["web-0": "10.1.0.7"]),
      Objects.slice(named: "b", ports: [["name": "other", "port": 9100]], ["web-0": "10.1.0.7"]),
    ]
    func ports(_ spec: JSONValue) -> [String] { summary(.serviceMonitor, [:], spec: spec, slices: slices, of: pod).sorted() }
    #expect(ports([:]) == ["app 10.1.0.7:8080 http", "app 10.1.0.7:9100 extra"])
    #expect(ports(Self.slicesRole) == ["app 10.1.0.7:8080 http", "app 10.1.0.7:9100 extra"], "each once")
    #expect(summary(.serviceMonitor, ["port": "other"], slices: slices, of: pod) == ["app 10.1.0.7:9100 extra"], "the slices count")
  }

  @Test func `R114: slices that someone made without Endpoints are seen in the role EndpointSlice only`() {
    let own = [Objects.slice(manager: "me", ["web-0": "10.1.0.7"])]
    #expect(summary(.serviceMonitor, ["port": "http"], slices: own) == ["no endpoint: sliceOnly"])
    #expect(summary(.serviceMonitor, ["port": "http"], spec: Self.slicesRole, slices: own) == ["app 10.1.0.7:8080 http"])
    let mirrored = [Objects.slice(manager: "endpointslicemirroring-controller.k8s.io", ["web-0": "10.1.0.7"])]
    #expect(summary(.serviceMonitor, ["port": "http"], slices: mirrored) == ["app 10.1.0.7:8080 http"])
  }

  @Test func `R114: only slices of the Service's first IP family are seen`() {
    let both = [
      Objects.slice(named: "four", ["web-0": "10.1.0.7"]), Objects.slice(named: "six", type: "IPv6", ["web-0": "fd00::7"]),
      Objects.slice(named: "names", type: "FQDN", ["web-0": "web.example"]),
    ]
    let ports: JSONValue = [["name": "http", "port": 80, "targetPort": 8080]]
    let four = Objects.service(["selector": ["app": "web"], "ports": ports, "ipFamilies": ["IPv4", "IPv6"]])
    let six = Objects.service(["selector": ["app": "web"], "ports": ports, "ipFamilies": ["IPv6", "IPv4"]])
    for role in [Self.slicesRole, ["serviceDiscoveryRole": "Endpoints"]] {
      #expect(summary(.serviceMonitor, ["port": "http"], spec: role, service: four, slices: both) == ["app 10.1.0.7:8080 http"])
      #expect(summary(.serviceMonitor, ["port": "http"], spec: role, service: six, slices: both) == ["app [fd00::7]:8080 http"])
      #expect(summary(.serviceMonitor, ["port": "http"], spec: role, service: six, slices: [both[0]]) == ["no endpoint: otherFamily"])
    }
  }

  @Test func `R114: a Service that has no endpoint for the Pod says why`() {
    #expect(summary(.serviceMonitor, ["port": "http"], slices: []) == ["no endpoint: notInSlices"])
    #expect(summary(.serviceMonitor, ["port": "http"], slices: [Objects.slice(["web-1": "10.1.0.8"])]) == ["no endpoint: notInSlices"])
    let external = Objects.service(["type": "ExternalName", "selector": ["app": "web"], "ports": [["name": "http", "port": 80]]])
    #expect(summary(.serviceMonitor, ["port": "http"], service: external) == ["no endpoint: externalName"])
  }

  @Test func `R114: endpoints that someone made for a Service without a selector count if they name the Pod`() {
    let service = Objects.service(["ports": [["name": "http", "port": 80]]])
    let slices = [Objects.slice(manager: "endpointslicemirroring-controller.k8s.io", ["web-0": "10.1.0.7"])]
    let other = Objects.pod("web-1", ip: "10.1.0.8")
    #expect(summary(.serviceMonitor, ["port": "http"], service: service, slices: slices) == ["app 10.1.0.7:8080 http"])
    #expect(summary(.serviceMonitor, ["port": "http"], service: service, slices: slices, of: other).isEmpty)
  }

  // MARK: Selection

  @Test func `R114: with RoleSelector labels are compared as they are, also those of slices that someone made`() {
    let selector: JSONValue = ["selector": ["matchLabels": ["ver": "1.2"]]]
    var role = selector
    role["selectorMechanism"] = "RoleSelector"
    role["serviceDiscoveryRole"] = "EndpointSlice"
    let (exact, similar) = (Objects.service(labels: ["ver": "1.2"]), Objects.service(labels: ["ver": "1x2"]))
    #expect(summary(.serviceMonitor, ["port": "http"], spec: selector, service: similar) == ["app 10.1.0.7:8080 http"])
    #expect(summary(.serviceMonitor, ["port": "http"], spec: role, service: similar).isEmpty)
    #expect(summary(.serviceMonitor, ["port": "http"], spec: role, service: exact) == ["app 10.1.0.7:8080 http"])
    let own = Objects.slice(manager: "me", ["web-0": "10.1.0.7"])
    #expect(summary(.serviceMonitor, ["port": "http"], spec: role, service: exact, slices: [own]) == ["no endpoint: sliceLabels"])
    let labelled = Objects.slice(manager: "me", labels: ["ver": "1.2"], ["web-0": "10.1.0.7"])
    #expect(summary(.serviceMonitor, ["port": "http"], spec: role, service: exact, slices: [labelled]) == ["app 10.1.0.7:8080 http"])
  }

  @Test func `R114: the namespaces of a monitor are its own, those that it names, or all`() {
    func targets(_ namespaces: JSONValue?) -> [Bool] {
      var spec: JSONValue = ["selector": [:], "podMetricsEndpoints": [["port": "http"]]]
      spec["namespaceSelector"] = namespaces
      var expectation = ScrapeExpectations([Objects.monitor(.podMonitor, spec)])
      return ["shop", "blog", "mail"].map { !expectation.expectations(of: Objects.pod(in: $0)).isEmpty }
    }
    #expect(targets(nil) == [true, false, false] && targets([:]) == [true, false, false])
    #expect(targets(["matchNames": ["blog", "mail"]]) == [false, true, true])
    #expect(targets(["any": true, "matchNames": ["blog"]]) == [true, true, true])
  }

  @Test func `R114: labels that differ between the Pods of a workload are compared for each Pod`() {
    let label = "statefulset.kubernetes.io/pod-name"
    func pod(_ name: String) -> PodRecord { Objects.pod(name, labels: ["app": "web", label: name]) }
    let first = Objects.monitor(.podMonitor, ["selector": ["matchLabels": [label: "web-0"]], "podMetricsEndpoints": [["port": "http"]]])
    var expectation = ScrapeExpectations([first])
    #expect(expectation.expectations(of: pod("web-0")).count == 1 && expectation.expectations(of: pod("web-1")).isEmpty)

    let own = Objects.service(["selector": ["app": "web", label: "web-1"], "ports": [["name": "http", "port": 80]]])
    let monitor = Objects.monitor(.serviceMonitor, ["selector": [:], "endpoints": [["port": "http"]]])
    expectation = ScrapeExpectations([monitor], services: [own], slices: [Objects.slice(["web-1": "10.1.0.7"])])
    #expect(expectation.expectations(of: pod("web-0")).isEmpty && expectation.expectations(of: pod("web-1")).count == 1)
    #expect(expectation.groupCount == 1, "both Pods are one group")
  }

  // MARK: Adoption

  @Test func `R114: a target names who is expected to have it, with the role in which it is seen`() throws {
    let slices = Objects.prometheus(named: "slices", Objects.everything(["serviceDiscoveryRole": "EndpointSlice"]))
    let monitor = Objects.monitor(.serviceMonitor, ["selector": [:], "endpoints": [["port": "http"]]])
    var expectation = ScrapeExpectations(
      [monitor], by: [Objects.prometheus(named: "plain"), slices, Objects.prometheus(named: "none", ["probeSelector": [:]])],
      services: [Objects.service()], slices: [Objects.slice(["web-0": "10.1.0.7"])])
    func adopters() -> [String] {
      expectation.expectations(of: Objects.pod()).flatMap { expectation -> [String] in
        guard case .target(_, .adopted(let adopters)) = expectation.outcome else { return ["none"] }
        return adopters.map { "\($0.prometheus.name) \($0.role.rawValue)" }
      }
    }
    #expect(adopters() == ["plain endpoints", "slices endpointslice"])
    #expect(expectation.expectations(of: Objects.pod()).first?.request.scrapePool == "serviceMonitor/shop/web/0")
    expectation.set(Objects.slice(terminating: true, ["web-0": "10.1.0.7"]))
    #expect(adopters() == ["slices endpointslice"], "the other role does not see it")
  }

  @Test func `R114: a monitor that nobody adopts is a broken link, after the port and the endpoint`() {
    let monitor = Objects.monitor(.serviceMonitor, ["selector": [:], "endpoints": [["port": "http"], ["port": "metrics"]]])
    let refusing = Objects.prometheus(["serviceMonitorSelector": ["matchLabels": ["team": "b"]]])
    var expectation = ScrapeExpectations(
      [monitor], by: [refusing], services: [Objects.service()], slices: [Objects.slice(["web-0": "10.1.0.7"])])
    #expect(expectation.summary(of: Objects.pod()) == ["not adopted: main", "no port in service web of http"])
    expectation.removeSlice(ObjectKey(namespace: "shop", name: "web-1"))
    #expect(expectation.summary(of: Objects.pod()) == ["no endpoint: notInSlices", "no port in service web of http"])
  }

  @Test func `R114: where adoption cannot be known, the target is expected of whoever scrapes`() {
    func adoption(_ kind: MonitorID.Kind, _ prometheuses: [PrometheusRecord]) -> Adoption? {
      let endpoints = kind == .podMonitor || kind == .vmPodScrape ? "podMetricsEndpoints" : "endpoints"
      var expectation = ScrapeExpectations([Objects.monitor(kind, ["selector": [:], endpoints: [["port": "http"]]])], by: prometheuses)
      guard case .target(_, let adoption) = expectation.expectations(of: Objects.pod()).first?.outcome else { return nil }
      return adoption
    }
    let unmanaged = Objects.prometheus(named: "free", [:])
    #expect(adoption(.podMonitor, []) == .unknown(.noPrometheus))
    #expect(adoption(.podMonitor, [unmanaged]) == .unknown(.unmanaged([unmanaged.id])))
    #expect(adoption(.vmPodScrape, [Objects.prometheus()]) == .unknown(.notDeclared))
  }

  // MARK: Other requests

  @Test func `R114: annotations of Pods and of Services ask for a scrape`() throws {
    let annotations = ["prometheus.io/scrape": "true", "prometheus.io/port": "9100"]
    var expectation = ScrapeExpectations([], services: [Objects.service(annotations: ["prometheus.io/scrape": "true"])])
    #expect(expectation.summary(of: Objects.pod(annotations: annotations)) == ["- 10.1.0.7:9100 -", "no endpoint: notInSlices"])
    expectation.set(Objects.slice(["web-0": "10.1.0.7"]))
    let pod = Objects.pod(annotations: ["prometheus.io/scrape": "true"])
    #expect(expectation.summary(of: pod) == ["app 10.1.0.7:8080 http", "app 10.1.0.7:8080 http"])
    #expect(expectation.expectations(of: pod).map(\.request) == [.annotations(service: nil), .annotations(service: "web")])
    #expect(expectation.expectations(of: pod).allSatisfy { $0.outcome.adoption == .unknown(.notDeclared) })
    expectation.removeService(ObjectKey(namespace: "shop", name: "web"))
    for value in ["True", "1", "false", ""] {
      #expect(expectation.summary(of: Objects.pod(annotations: ["prometheus.io/scrape": value])).isEmpty, "\(value)")
    }
  }

  @Test func `R114: a port that is named for metrics is a hint where nothing else asks`() {
    let ports = ["http-metrics", "metrics", "app-metrics", "metrics-api", "http"].enumerated().map {
      ContainerPort(name: $1, number: UInt16(9000 + $0))
    }
    let pod = Objects.pod(ports: ["app": ports])
    var expectation = ScrapeExpectations([])
    #expect(expectation.summary(of: pod) == ["no monitor: http-metrics,metrics,app-metrics"])
    #expect(expectation.expectations(of: pod).first?.request == .portName)
    expectation.set(Objects.monitor(.podMonitor, ["selector": [:], "podMetricsEndpoints": [["port": "http"]]]))
    #expect(expectation.summary(of: pod) == ["app 10.1.0.7:9004 http"])
  }

  @Test func `R114: a ScrapeConfig discovers the Pods of its namespaces, finished ones, too`() {
    func summary(_ discovery: JSONValue, _ pod: PodRecord = Objects.pod()) -> [String] {
      let config = Objects.monitor(.scrapeConfig, in: "monitoring", ["kubernetesSDConfigs": [discovery]])
      var expectation = ScrapeExpectations(
        [config], by: [Objects.prometheus(in: "shop")], services: [Objects.service()], slices: [Objects.slice(["web-0": "10.1.0.7"])])
      #expect(expectation.expectations(of: pod).allSatisfy { $0.request == .discovery(config.id) })
      return expectation.summary(of: pod)
    }
    let target = ["app 10.1.0.7:8080 http"]
    #expect(summary(["role": "Pod"]) == target && summary(["role": "EndpointSlice"]) == target && summary(["role": "Endpoints"]) == target)
    #expect(summary(["role": "Pod"], Objects.pod(phase: "Failed")) == target)
    #expect(summary(["role": "Pod", "namespaces": ["names": ["blog"]]]).isEmpty)
    #expect(summary(["role": "Pod", "namespaces": ["ownNamespace": true]]) == target, "the namespace of the Prometheus object")
    #expect(summary(["role": "Pod", "selectors": [["role": "Pod", "label": "app=web"]]]) == target)
    #expect(summary(["role": "Pod", "selectors": [["role": "Pod", "label": "app in (mail,blog)"]]]).isEmpty)
    for other in [["role": "Node"], ["role": "Service"], ["role": "Ingress"], ["role": "Pod", "apiServer": "https://elsewhere"]]
      as [JSONValue]
    {
      #expect(summary(other).isEmpty)
    }
    #expect(MonitorID(.scrapeConfig, namespace: "a", name: "b").scrapePool(endpoint: 0) == "scrapeConfig/a/b")
  }

  // MARK: The nearest monitor

  @Test func `R114: the nearest monitor is the one that differs in a single thing`() {
    let front: JSONValue = ["matchLabels": ["app": "web", "tier": "front"]]
    func nearest(_ monitors: [MonitorRecord], services: [ServiceRecord] = [], _ pod: PodRecord = Objects.pod()) -> NearestMonitor? {
      var expectation = ScrapeExpectations(monitors, services: services)
      return expectation.nearestMonitor(to: pod)
    }
    let tier = UnmetRequirement(key: "tier", operator: .isIn, values: ["front"], actual: nil)
    let pods = Objects.monitor(.podMonitor, named: "pods", ["selector": front, "podMetricsEndpoints": [["port": "http"]]])
    #expect(nearest([pods]) == NearestMonitor(monitor: pods.id, difference: .podLabel(tier)))
    let services = Objects.monitor(.serviceMonitor, named: "services", ["selector": front, "endpoints": [["port": "http"]]])
    #expect(
      nearest([services], services: [Objects.service()])
        == NearestMonitor(monitor: services.id, difference: .serviceLabel(service: "web", tier)))
    let elsewhere = Objects.monitor(
      .podMonitor, named: "elsewhere", in: "blog", ["selector": ["matchLabels": ["app": "web"]], "podMetricsEndpoints": [["port": "http"]]])
    #expect(nearest([elsewhere]) == NearestMonitor(monitor: elsewhere.id, difference: .namespace))
    #expect(nearest([elsewhere, pods])?.monitor == pods.id, "the own namespace first")
    let stranger = Objects.monitor(
      .podMonitor, named: "a", ["selector": ["matchLabels": ["app": "mail"]], "podMetricsEndpoints": [["port": "http"]]])
    #expect(nearest([stranger, elsewhere])?.monitor == elsewhere.id, "nothing in common with the one of the own namespace")
    let alike = Objects.monitor(
      .podMonitor, named: "b", ["selector": ["matchLabels": ["app": "web-ui"]], "podMetricsEndpoints": [["port": "http"]]])
    #expect(nearest([stranger, elsewhere, alike])?.monitor == alike.id, "a similar value")
    let other = Objects.monitor(
      .podMonitor, ["selector": ["matchLabels": ["a": "1", "b": "2"]], "podMetricsEndpoints": [["port": "http"]]])
    #expect(nearest([other]) == nil)
    let narrow = Objects.service(named: "narrow", labels: ["app": "web", "tier": "front"], ["selector": ["app": "web", "tier": "front"]])
    #expect(
      nearest([services], services: [narrow])
        == NearestMonitor(monitor: services.id, difference: .serviceSelector(service: "narrow", tier)))
  }
}

extension ScrapeExpectation.Outcome {
  fileprivate var adoption: Adoption? { if case .target(_, let adoption) = self { adoption } else { nil } }
}
