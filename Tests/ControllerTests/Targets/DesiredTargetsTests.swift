import JSON
import Roll
import TestSupport
import Testing

@testable import Controller

@Suite(.ownThread) struct DesiredTargetsTests {
  private let settings = TargetSettings(namespace: "rollcall")

  private func desired(
    _ targets: [Target], source: Source = .linux, live: [JSONValue] = [], settings: TargetSettings? = nil
  ) -> DesiredTargets {
    DesiredTargets(source: source, targets: targets, liveSlices: live, settings: settings ?? self.settings)
  }

  private func linux(_ node: String, _ address: String, ready: Bool = true) -> Target {
    Target(node: node, source: .linux, address: address, port: 9753, ready: ready)
  }

  private func manyNodes(_ range: Range<Int>) -> [Target] {
    range.map { linux("node-\($0)", "10.\($0 / 65536).\($0 / 256 % 256).\($0 % 256)") }
  }

  private func addresses(_ desired: DesiredTargets) -> [String] {
    desired.slices.flatMap { $0["endpoints"]?.array ?? [] }.compactMap { $0["addresses"]?[0]?.string }
  }

  @Test func `an EndpointSlice carries everything Prometheus needs`() throws {
    let slice = try #require(desired([linux("w1", "10.0.0.1"), linux("w2", "10.0.0.2", ready: false)]).slices.first)
    #expect(
      slice == [
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": [
          "name": "rollcall-linux-ipv4-http-9753-metrics-0", "namespace": "rollcall",
          "labels": [
            "app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": "linux-targets",
            "app.kubernetes.io/managed-by": "rollcall.dev", "rollcall.dev/source": "linux",
            "kubernetes.io/service-name": "rollcall-linux", "endpointslice.kubernetes.io/managed-by": "rollcall.dev",
          ],
          "annotations": ["rollcall.dev/scrape": "http://:9753/metrics"],
        ],
        "addressType": "IPv4",
        "ports": [["name": "http-9753-metrics", "port": 9753, "protocol": "TCP"]],
        "endpoints": [
          [
            "addresses": ["10.0.0.1"], "conditions": ["ready": true], "nodeName": "w1", "targetRef": ["kind": "Node", "name": "w1"],
          ],
          [
            "addresses": ["10.0.0.2"], "conditions": ["ready": false], "nodeName": "w2", "targetRef": ["kind": "Node", "name": "w2"],
          ],
        ],
      ])
  }

  @Test func `the Service is headless and has no selector`() {
    let services = desired([]).services
    #expect(services.map { $0["metadata"]?["name"] } == ["rollcall-linux"])
    #expect(services.map { $0["spec"] } == [["clusterIP": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"]])
  }

  @Test func `virtual nodes share the controller's address and are distinguished by a parameter`() {
    let targets = ["v1", "v2"].map {
      Target(node: $0, source: .virtual, address: "10.3.0.4", port: 9750, path: "/metrics/cadvisor")
    }
    let result = desired(targets, source: .virtual)
    #expect(result.refused.isEmpty)
    #expect(result.slices.first?["endpoints"]?.array?.compactMap { $0["nodeName"]?.string } == ["v1", "v2"])
    let relabelings = result.serviceMonitor?["spec"]?["endpoints"]?[0]?["relabelings"]?.array ?? []
    #expect(relabelings.contains { $0["targetLabel"] == "__param_node" })
    #expect(relabelings.contains { $0["targetLabel"] == "instance" })
  }

  @Test func `each address family has its own EndpointSlices`() {
    let slices = desired([linux("a", "10.0.0.1"), linux("b", "2001:DB8::1")]).slices
    #expect(slices.map { $0["addressType"]?.string } == ["IPv4", "IPv6"])
    #expect(slices.map { $0["endpoints"]?[0]?["addresses"]?[0]?.string } == ["10.0.0.1", "2001:db8::1"])
  }

  /// Prometheus 3.11 and newer ignore slices of another family than the first of their Service, if that has two.
  @Test(arguments: [
    (["10.0.0.1"], ["IPv4"]), (["2001:db8::1"], ["IPv6"]), (["10.0.0.1", "2001:db8::1"], ["IPv4", "IPv6"]),
  ])
  func `R76: each EndpointSlice belongs to a Service of its address family`(nodes: [String], families: [String]) {
    let result = desired(nodes.map { linux("node-\($0.count)", $0) })
    #expect(result.slices.compactMap { $0["addressType"]?.string } == families)
    for slice in result.slices {
      let name = slice["metadata"]?["labels"]?["kubernetes.io/service-name"]
      let spec = result.services.first { $0["metadata"]?["name"] == name }?["spec"]
      #expect(spec?["ipFamilies"]?.array == slice["addressType"].map { [$0] })
      #expect(spec?["ipFamilyPolicy"] == "SingleStack")
    }
    // The ServiceMonitor selects every Service, and names the job after the source.
    let labels = result.serviceMonitor?["spec"]?["selector"]?["matchLabels"]?.object ?? [:]
    for service in result.services {
      #expect(labels.allSatisfy { service["metadata"]?["labels"]?[$0.key] == $0.value })
    }
    let relabelings = result.serviceMonitor?["spec"]?["endpoints"]?[0]?["relabelings"]?.array ?? []
    #expect(relabelings.contains(["action": "replace", "targetLabel": "job", "replacement": "rollcall-linux"]))
  }

  @Test func `R76: virtual nodes are published at an IPv6 address of the controller`() {
    let target = Target(node: "v1", source: .virtual, address: "2001:db8::7", port: 9750, path: "/metrics/cadvisor")
    let result = desired([target], source: .virtual)
    #expect(result.slices.map { $0["metadata"]?["labels"]?["kubernetes.io/service-name"] } == ["rollcall-virtual-ipv6"])
  }

  @Test func `each port and path has its own EndpointSlices and scrapes`() {
    let other = Target(node: "b", source: .linux, address: "10.0.0.2", port: 9999, path: "/odd/-path", scheme: "https")
    let result = desired([linux("a", "10.0.0.1"), other])
    #expect(result.slices.compactMap { $0["ports"]?[0]?["port"]?.integer } == [9753, 9999])
    let endpoints = result.serviceMonitor?["spec"]?["endpoints"]?.array ?? []
    #expect(endpoints.map { $0["path"]?.string } == ["/metrics", "/odd/-path"])
    #expect(endpoints.map { $0["scheme"]?.string } == ["http", "https"])
    #expect(endpoints.map { $0["port"] } == result.slices.map { $0["ports"]?[0]?["name"] })
  }

  /// The endpoint of a source's ServiceMonitor with these settings, without what it always has.
  private func credentials(_ source: Source, _ port: ScrapedPort, probe: Bool = true) -> [JSONValue?] {
    var settings = settings
    settings.port = port
    settings.probeAddress = probe ? "rollcall-controller.rollcall.svc:9750" : nil
    settings.endpoints[.virtual] = ScrapeEndpoint(scheme: port.tls == nil ? "http" : "https", port: 9750, path: "/metrics/cadvisor")
    let endpoint = desired([], source: source, settings: settings).serviceMonitor?["spec"]?["endpoints"]?[0]
    return ["scheme", "bearerTokenFile", "authorization", "tlsConfig"].map { endpoint?[$0] }
  }

  @Test func `R106: Prometheus sends its token to our own port and to no other`() {
    let file: JSONValue = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    let own: JSONValue = ["serverName": "rollcall-controller", "ca": ["secret": ["name": "rollcall-tls", "key": "ca.crt"]]]
    let port = ScrapedPort(tls: .own, token: .serviceAccount)
    #expect(credentials(.windows, port) == ["https", file, nil, own])
    #expect(credentials(.virtual, port) == ["https", file, nil, own])
    #expect(credentials(.linux, port) == ["http", nil, nil, nil])
    #expect(credentials(.windows, port, probe: false) == ["http", nil, nil, nil], "windows_exporter itself")
    let other = ScrapedPort(tls: .secret("serving"), token: .secret("scraper"))
    #expect(
      credentials(.virtual, other) == [
        "https", nil, ["credentials": ["name": "scraper", "key": "token"]], ["ca": ["secret": ["name": "serving", "key": "ca.crt"]]],
      ])
    #expect(credentials(.windows, ScrapedPort(tls: .system)) == ["https", nil, nil, nil])
    #expect(credentials(.windows, ScrapedPort()) == ["http", nil, nil, nil])
  }

  @Test func `the ServiceMonitor exists before there are any targets`() {
    let spec = desired([], source: .windows).serviceMonitor?["spec"]
    #expect(spec?["serviceDiscoveryRole"] == "EndpointSlice")
    #expect(spec?["endpoints"]?[0]?["port"] == "http-9182-metrics")
    #expect(spec?["endpoints"]?[0]?["honorLabels"] == true)
    #expect(spec?["selector"]?["matchLabels"]?["rollcall.dev/source"] == "windows")
    #expect(spec?["sampleLimit"] == 200_000)
    #expect(spec?["bodySizeLimit"] == "64MB")
  }

  @Test func `R98: series whose samples have timestamps end when they are no longer served`() {
    func tracks(_ source: Source, _ settings: TargetSettings) -> JSONValue? {
      desired([], source: source, settings: settings).serviceMonitor?["spec"]?["endpoints"]?[0]?["trackTimestampsStaleness"]
    }
    var direct = settings
    direct.probeAddress = nil
    var proxied = settings
    proxied.probeAddress = "rollcall-controller:9750"
    #expect(tracks(.virtual, direct) == true && tracks(.windows, proxied) == true)
    #expect(tracks(.linux, proxied) == nil && tracks(.windows, direct) == nil)
  }

  @Test func `extra labels are set on every object and never replace Rollcall's own`() {
    var settings = settings
    settings.extraLabels = ["release": "prom", "rollcall.dev/source": "stolen"]
    for object in desired([linux("a", "10.0.0.1")], settings: settings).objects {
      #expect(object["metadata"]?["labels"]?["release"] == "prom")
      #expect(object["metadata"]?["labels"]?["rollcall.dev/source"] == "linux")
    }
  }

  @Test func `Windows Nodes are scraped through the controller`() throws {
    var settings = settings
    settings.probeAddress = "rollcall-controller.rollcall.svc:9750"
    let target = Target(node: "win-1", source: .windows, address: "10.0.0.9", port: 9182)
    let result = desired([target], source: .windows, settings: settings)
    // The slice still has the node's address; the scrape goes to the controller, with the node as a parameter.
    #expect(result.slices.first?["endpoints"]?[0]?["addresses"] == ["10.0.0.9"])
    #expect(result.slices.first?["endpoints"]?[0]?["targetRef"] == ["kind": "Node", "name": "win-1"])
    let endpoint = try #require(result.serviceMonitor?["spec"]?["endpoints"]?[0])
    #expect(endpoint["port"] == result.slices.first?["ports"]?[0]?["name"])
    #expect(endpoint["path"] == "/probe")
    #expect(endpoint["scheme"] == "http")
    #expect(
      endpoint["relabelings"]?.array?.suffix(3) == [
        [
          "action": "replace", "sourceLabels": ["__meta_kubernetes_endpointslice_address_target_name"], "targetLabel": "__param_node",
        ],
        ["action": "replace", "sourceLabels": ["__address__"], "targetLabel": "instance"],
        ["action": "replace", "targetLabel": "__address__", "replacement": "rollcall-controller.rollcall.svc:9750"],
      ])
    // Other sources are not affected.
    let linux = desired([linux("w1", "10.0.0.1")], settings: settings).serviceMonitor?["spec"]?["endpoints"]?[0]
    #expect(linux?["path"] == "/metrics")
    #expect(linux?["relabelings"]?.array?.contains { $0["targetLabel"] == "__address__" } == false)
  }

  @Test func `agents that serve TLS are scraped over TLS`() throws {
    var settings = settings
    settings.endpoints[.linux] = ScrapeEndpoint(scheme: "https", port: 9753, path: "/metrics")
    let target = Target(node: "w1", source: .linux, address: "10.0.0.1", port: 9753, scheme: "https")
    let bare = try #require(desired([target], settings: settings).serviceMonitor?["spec"]?["endpoints"]?[0])
    #expect(bare["scheme"] == "https")
    #expect(bare["tlsConfig"] == ["serverName": "rollcall-agent", "ca": ["secret": ["name": "rollcall-tls", "key": "ca.crt"]]])
    var apart = settings
    apart.authoritySecret = "rollcall-authority"
    let other = desired([target], settings: apart).serviceMonitor?["spec"]?["endpoints"]?[0]
    #expect(other?["tlsConfig"]?["ca"] == ["secret": ["name": "rollcall-authority", "key": "ca.crt"]])
    settings.agentTLSSecret = "scraping"
    let complete = desired([target], settings: settings).serviceMonitor?["spec"]?["endpoints"]?[0]
    #expect(
      complete?["tlsConfig"] == [
        "serverName": "rollcall-agent", "ca": ["secret": ["name": "scraping", "key": "ca.crt"]],
        "cert": ["secret": ["name": "scraping", "key": "tls.crt"]], "keySecret": ["name": "scraping", "key": "tls.key"],
      ])
    // Agents that serve http have no TLS settings.
    let plain = desired([linux("w1", "10.0.0.1")], settings: self.settings).serviceMonitor?["spec"]?["endpoints"]?[0]
    #expect(plain?["tlsConfig"] == nil)
  }

  @Test func `R109: with agents in another namespace, ServiceMonitors refer to no Secret there`() {
    var settings = ControllerSettings()
    #expect(settings.targets(namespace: "rollcall").authoritySecret == "rollcall-tls")
    settings.agentNamespace = "rollcall"
    #expect(settings.targets(namespace: "rollcall").authoritySecret == "rollcall-tls")
    settings.agentNamespace = "rollcall-agents"
    #expect(settings.targets(namespace: "rollcall").authoritySecret == "rollcall-authority")
    // Agents, whose Secret it is, and our own port, at which virtual nodes are scraped.
    for source in [Source.linux, .virtual] {
      settings.agentMetricsScheme = "https"
      settings.listenTLS = .on
      let targets = settings.targets(namespace: "rollcall")
      let endpoint = desired([], source: source, settings: targets).serviceMonitor?["spec"]?["endpoints"]?[0]
      #expect(endpoint?["tlsConfig"]?["ca"]?["secret"]?["name"] == "rollcall-authority", "\(source)")
    }
  }

  @Test func `ServiceMonitors can be disabled`() {
    var settings = settings
    settings.serviceMonitors = .off
    #expect(desired([], settings: settings).objects.map { $0["kind"]?.string } == ["Service"])
  }

  // MARK: Refused targets (R35)

  @Test(arguments: [
    ("", TargetRefusal.noAddress),
    ("node.example", .notAnIPAddress("node.example")),
    ("10.0.0.256", .notAnIPAddress("10.0.0.256")),
    ("10.0.0.01", .notAnIPAddress("10.0.0.01")),
    ("fe80::1%eth0", .notAnIPAddress("fe80::1%eth0")),
    ("127.0.0.1", .specialAddress("127.0.0.1", kind: "loopback")),
    ("::1", .specialAddress("::1", kind: "loopback")),
    ("169.254.169.254", .specialAddress("169.254.169.254", kind: "link-local")),
    ("fe80::1", .specialAddress("fe80::1", kind: "link-local")),
    ("0.0.0.0", .specialAddress("0.0.0.0", kind: "unspecified")),
    ("::", .specialAddress("::", kind: "unspecified")),
    ("224.0.0.5", .specialAddress("224.0.0.5", kind: "multicast")),
    ("ff02::5", .specialAddress("ff02::5", kind: "multicast")),
    ("::ffff:10.0.0.9", .specialAddress("::ffff:10.0.0.9", kind: "IPv4-mapped")),
  ])
  func `R35: an invalid address excludes only its own Node`(address: String, refusal: TargetRefusal) {
    let result = desired([linux("good", "10.0.0.1"), linux("bad", address), linux("good-ipv6", "2001:db8::2")])
    #expect(addresses(result) == ["10.0.0.1", "2001:db8::2"])
    #expect(result.refused.map(\.target.node) == ["bad"])
    #expect(result.refused.map(\.refusal) == [refusal])
    #expect(result.published == 2)
  }

  @Test func `R35: of two Nodes with the same address only one is excluded`() {
    let result = desired([linux("b", "10.0.0.1"), linux("a", "10.0.0.1"), linux("c", "10.0.0.3")])
    #expect(addresses(result) == ["10.0.0.1", "10.0.0.3"])
    #expect(result.refused.map(\.target.node) == ["b"])
    #expect(result.refused.map(\.refusal) == [.shared(address: "10.0.0.1", with: "node a")])
  }

  @Test func `of two Nodes with the same address the ready one is kept`() {
    let result = desired([linux("a", "10.0.0.1", ready: false), linux("b", "10.0.0.1")])
    #expect(result.refused.map(\.target.node) == ["a"])
  }

  @Test func `two spellings of an address count as the same address`() {
    let result = desired([linux("a", "2001:db8:0:0::1"), linux("b", "2001:DB8::1")])
    #expect(result.published == 1)
  }

  @Test func `a loopback address is accepted where it is allowed`() {
    var settings = settings
    settings.allowsLoopback = true
    #expect(addresses(desired([linux("a", "127.0.0.7"), linux("b", "169.254.0.1")], settings: settings)) == ["127.0.0.7"])
  }

  // MARK: Live slices

  @Test func `nothing changes in a steady state`() {
    let first = desired(manyNodes(0..<5000))
    #expect(first.slices.count == 50)
    #expect(desired(manyNodes(0..<5000).shuffled(), live: first.slices.shuffled()).slices == first.slices.sorted { name($0) < name($1) })
  }

  @Test func `a Node whose address changes stays in its EndpointSlice`() {
    let first = desired(manyNodes(0..<250))
    var targets = manyNodes(0..<250)
    targets[120].address = "10.200.0.1"
    let second = desired(targets, live: first.slices)
    let changed = zip(first.slices, second.slices).filter { $0 != $1 }
    #expect(changed.count == 1)
    #expect(second.slices.count == 3)
  }

  @Test func `one percent churn changes exactly the affected EndpointSlices`() {
    let first = desired(manyNodes(0..<5000))
    // Five nodes of each of the first ten slices.
    let removed = Set((0..<10).flatMap { slice in (0..<5).map { first.slices[slice]["endpoints"]?[$0 * 7]?["nodeName"]?.string ?? "" } })
    let second = desired(manyNodes(0..<5000).filter { !removed.contains($0.node) } + manyNodes(5000..<5050), live: first.slices)
    let old = Dictionary(uniqueKeysWithValues: first.slices.map { (name($0), $0) })
    #expect(second.slices.filter { old[name($0)] != $0 }.count == 10)
    #expect(second.published == 5000)
  }

  @Test func `foreign endpoints and unexpected EndpointSlices are replaced`() {
    var tampered = desired([linux("a", "10.0.0.1")]).slices
    tampered[0]["endpoints"] = [["addresses": ["10.6.6.6"]]]
    let foreign: JSONValue = ["metadata": ["name": "rollcall-linux-ipv4-http-9753-metrics-1"], "addressType": "FQDN"]
    let result = desired([linux("a", "10.0.0.1")], live: tampered + [foreign])
    #expect(addresses(result) == ["10.0.0.1"])
    // The foreign slice's name is still in use, since the address type is immutable.
    #expect(result.slices.map(name).allSatisfy { !$0.hasSuffix("-1") })
  }

  private func name(_ object: JSONValue) -> String { object["metadata"]?["name"]?.string ?? "" }

  // MARK: Names

  @Test(arguments: [
    ("/metrics", "http-80-metrics"), ("/metrics/cadvisor", "http-80-metrics-cadvisor"), ("/a//b", "http-80-a--b"),
  ])
  func `ports are named after paths`(path: String, name: String) {
    #expect(ScrapeEndpoint(port: 80, path: path).portName == name)
  }

  @Test(arguments: ["/", "/metrics/", "/Metrics", "/a-b", "/a?b=c", "/ü", "/" + String(repeating: "x", count: 80)])
  func `every path yields a valid and unique port name`(path: String) {
    let name = ScrapeEndpoint(port: 65535, path: path).portName
    #expect(name.count <= 63)
    #expect(name.wholeMatch(of: /[a-z0-9]([-a-z0-9]*[a-z0-9])?/) != nil)
    #expect(name != ScrapeEndpoint(port: 65535, path: "/a/b").portName)
  }

  @Test(arguments: ["/metrics", "/a-b/", "/x://:1/y"])
  func `the scrape endpoint in an EndpointSlice annotation can be read back`(path: String) {
    let endpoint = ScrapeEndpoint(scheme: "https", port: 1234, path: path)
    #expect(ScrapeEndpoint(annotation: endpoint.annotationText) == endpoint)
  }
}
