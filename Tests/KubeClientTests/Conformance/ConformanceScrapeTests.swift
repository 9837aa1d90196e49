import JSON
import Primitives
import TestSupport
import Testing

@testable import KubeClient

/// What decides which targets a scraper discovers, in both formats of objects, against any API server.
@Suite(.timeLimit(.minutes(5))) struct ConformanceScrapeTests {
  @Test(arguments: APIServerUnderTest.all)
  func `R113: Services in protobuf equal Services in JSON`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let version = try await fixture.client.list(.services, fixture.selection).resourceVersion
      func service(_ name: String, _ spec: JSONValue) -> JSONValue {
        [
          "apiVersion": "v1", "kind": "Service",
          "metadata": [
            "namespace": .string(fixture.namespace), "name": .string(name), "labels": ["app": "web", "empty": ""],
            "annotations": ["prometheus.io/scrape": "true", "prometheus.io/port": "9100", "other": "x"],
          ],
          "spec": spec,
        ]
      }
      try await fixture.client.create(
        service(
          "web",
          [
            "selector": ["app": "web"], "publishNotReadyAddresses": true,
            "ports": [
              ["name": "http", "port": 80, "targetPort": 8080], ["name": "metrics", "port": 9100, "targetPort": "www"],
              ["name": "same", "port": 81, "protocol": "UDP"],
            ],
          ]))
      try await fixture.client.create(service("away", ["type": "ExternalName", "externalName": "example.com"]))
      let records = try await fixture.readTwice(.services, .services(), fixture.selection, from: version)
      let web = try #require(records.first { $0.key.name == "web" })
      #expect(web.key.namespace == fixture.namespace && web.labels == ["app": "web", "empty": ""] && web.selector == ["app": "web"])
      #expect(web.annotations == ["prometheus.io/scrape": "true", "prometheus.io/port": "9100"])
      #expect(
        web.ports == [
          .init(name: "http", number: 80, target: .number(8080)), .init(name: "metrics", number: 9100, target: .name("www")),
          .init(name: "same", number: 81),
        ])
      #expect(web.publishesNotReadyAddresses && !web.isExternalName && !web.isIPv6First)
      let away = try #require(records.first { $0.key.name == "away" })
      #expect(away.isExternalName && away.ports.isEmpty && away.selector.isEmpty)
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R113: EndpointSlices in protobuf equal EndpointSlices in JSON`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let version = try await fixture.client.list(.endpointSlices, fixture.selection).resourceVersion
      func slice(_ name: String, _ type: String, manager: String, _ endpoints: JSONValue) -> JSONValue {
        [
          "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": .string(type), "endpoints": endpoints,
          "metadata": [
            "namespace": .string(fixture.namespace), "name": .string(name),
            "labels": ["kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": .string(manager), "app": "web"],
          ],
          "ports": [["name": "http", "port": 8080], ["name": "metrics", "port": 9100]],
        ]
      }
      func endpoint(_ pod: String, _ addresses: JSONValue, terminating: Bool? = nil, kind: String = "Pod") -> JSONValue {
        var endpoint: JSONValue = [
          "addresses": addresses,
          "targetRef": ["kind": .string(kind), "namespace": .string(fixture.namespace), "name": .string(pod), "uid": "1"],
        ]
        if let terminating { endpoint["conditions"] = ["ready": false, "serving": true, "terminating": .bool(terminating)] }
        return endpoint
      }
      try await fixture.client.create(
        slice(
          "web-4", "IPv4", manager: "me",
          .array(
            (0..<30).map { endpoint("web-\($0)", [.string("10.1.0.\($0)")], terminating: $0 == 7 ? true : $0 == 8 ? false : nil) } + [
              endpoint("worker", ["10.1.0.99"], kind: "Node"), ["addresses": ["10.1.0.100"]],
              endpoint("two", ["10.1.1.1", "10.1.1.2"]),
            ])))
      try await fixture.client.create(slice("web-6", "IPv6", manager: "me", [endpoint("web-0", ["fd00::7"])]))
      try await fixture.client.create(slice("web-name", "FQDN", manager: "me", [endpoint("web-0", ["web.example.com"])]))
      let records = try await fixture.readTwice(.endpointSlices, .endpointSlices(), fixture.selection, from: version)

      func pod(_ name: String, in namespace: String? = nil) -> PodIdentity {
        PodIdentity(namespace: namespace ?? fixture.namespace, name: name, uid: "other")
      }
      let four = try #require(records.first { $0.key.name == "web-4" })
      #expect(four.service == "web" && four.addressType == .ipv4 && four.manager == .other && four.labels["app"] == "web")
      #expect(four.ports == [.init(name: "http", number: 8080), .init(name: "metrics", number: 9100)] && four.addressCount == 32)
      for number in 0..<30 {
        let found = four.endpoints(of: pod("web-\(number)"))
        #expect(found.map(\.address.description) == ["10.1.0.\(number)"] && found.map(\.isTerminating) == [number == 7])
      }
      #expect(Set(four.endpoints(of: pod("two")).map(\.address.description)) == ["10.1.1.1", "10.1.1.2"])
      for other in [pod("web-30"), pod("worker"), pod("web-0", in: "elsewhere")] { #expect(four.endpoints(of: other).isEmpty) }
      let six = try #require(records.first { $0.key.name == "web-6" })
      #expect(six.addressType == .ipv6 && six.endpoints(of: pod("web-0")).map(\.address.description) == ["fd00::7"])
      let name = try #require(records.first { $0.key.name == "web-name" })
      #expect(name.addressType == .fqdn && name.addressCount == 0)
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R113: what of Pods decides about targets is equal in both formats`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let version = try await fixture.client.list(.pods, fixture.selection).resourceVersion
      let own = "statefulset.kubernetes.io/pod-name"
      let pod: JSONValue = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": [
          "namespace": .string(fixture.namespace), "name": "web-0", "labels": ["app": "web", own: "web-0", "empty": ""],
          "annotations": ["prometheus.io/scrape": "true", "rollcall.dev/ignore": "true", "other": "x"],
        ],
        "spec": [
          "schedulerName": "nobody", "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0,
          "initContainers": [["name": "setup", "image": "example.invalid/image", "ports": [["containerPort": 1]]]],
          "containers": [
            [
              "name": "app", "image": "example.invalid/image",
              "ports": [["name": "http", "containerPort": 8080], ["containerPort": 65535]],
            ],
            ["name": "plain", "image": "example.invalid/image"],
          ],
        ],
      ]
      try await eventually("the namespace has a service account") {
        do throws(KubeError) {
          try await fixture.client.create(pod)
        } catch {
          guard error.status?.code == 403 else { throw error }
          return false
        }
        return true
      }
      let decoder = RecordDecoder<PodRecord>.pods(annotationPrefixes: ["rollcall.dev/"], keepsScrapeFacts: true)
      let record = try #require(try await fixture.readTwice(.pods, decoder, fixture.selection, from: version).first)
      #expect(record.scrapeFacts.labels == ["app": "web", own: "web-0", "empty": ""] && record.ownLabels == [own: "web-0"])
      #expect(record.scrapeFacts.annotations == ["prometheus.io/scrape": "true"] && record.annotations == ["rollcall.dev/ignore": "true"])
      #expect(
        record.scrapeFacts.containers == [
          .init(name: "app", ports: [ContainerPort(name: "http", number: 8080), ContainerPort(number: 65535)]),
          .init(name: "plain", ports: []), .init(name: "setup", isInit: true, ports: [ContainerPort(number: 1)]),
        ])
      let without = RecordDecoder<PodRecord>.pods(annotationPrefixes: ["rollcall.dev/"])
      let plain = try #require(try await fixture.page(.pods, without, fixture.selection, accept: MediaType.protobuf).records.first)
      #expect(plain.scrapeFacts.labels.isEmpty && plain.scrapeFacts.containers.isEmpty && plain.images == record.images)
    }
  }
}
