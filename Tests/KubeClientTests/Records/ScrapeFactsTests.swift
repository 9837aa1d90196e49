import Primitives
import Testing

@testable import KubeClient

@Suite struct ScrapeFactsTests {
  private static let own = "statefulset.kubernetes.io/pod-name"

  private func pod(_ name: String, labels: [(String, String)], names: NameTable) throws -> PodRecord {
    let bytes = ProtobufEncoder {
      $0.message(1) { metadata in
        metadata.string(1, name)
        for (key, value) in labels { metadata.entry(11, key, value) }
        metadata.entry(12, "prometheus.io/scrape", "true")
      }
      $0.message(2) {
        $0.message(2) {
          $0.string(1, "app")
          $0.message(6) {
            $0.string(1, "http")
            $0.integer(3, 8080)
          }
        }
      }
    }.bytes
    let filter = MetadataFilter(keepsLabels: true, annotationPrefixes: [ScrapeFacts.annotationPrefix])
    return try PodRecord(protobuf: 0..<bytes.count, in: bytes.span.bytes, keeping: filter, known: StoreSnapshot(), names: names)
  }

  @Test func `R113: the Pods of a workload share labels, ports and annotations, but for the labels that are their own`() throws {
    let names = NameTable()
    let first = try pod("web-0", labels: [("app", "web"), (Self.own, "web-0"), ("tier", "front")], names: names)
    let count = names.count
    let second = try pod("web-1", labels: [("tier", "front"), (Self.own, "web-1"), ("app", "web")], names: names)
    #expect(names.count == count)
    let (one, two) = (try #require(first.common), try #require(second.common))
    #expect(one.isSameInMemory(as: two))
    #expect(first.ownLabels == [Self.own: "web-0"] && second.ownLabels == [Self.own: "web-1"])
    #expect(second.scrapeFacts.labels == ["app": "web", "tier": "front", Self.own: "web-1"])
    #expect(ScrapeFacts.labels(common: one).dictionary == ["app": "web", "tier": "front"])
    #expect(ScrapeFacts(common: one).containers == [.init(name: "app", ports: [ContainerPort(name: "http", number: 8080)])])
    #expect(first.annotations.isEmpty && first.scrapeFacts.annotations == ["prometheus.io/scrape": "true"])
  }

  @Test func `records with and without the facts keep everything else`() {
    let containers = [
      ContainerRecord(name: "app", containerID: "containerd://\(PodRecordTests.digits)"), ContainerRecord(name: "debug", kind: .ephemeral),
    ]
    func pod(_ labels: [String: String]?) -> PodRecord {
      PodRecord(
        namespace: "shop", name: "web-0", uid: "u", podIPs: ["10.1.0.7"], annotations: ["a": "b", "prometheus.io/port": "1"],
        workload: Workload(kind: "StatefulSet", name: "web"), containers: containers, images: ["app": "web:1"], labels: labels,
        ports: ["app": [ContainerPort(name: "http", number: 8080)]])
    }
    let (with, without) = (pod([Self.own: "web-0", "app": "web"]), pod(nil))
    for pod in [with, without] {
      #expect(pod.containers == containers && pod.images == ["app": "web:1"] && pod.podIPs == ["10.1.0.7"])
      #expect(pod.workload == Workload(kind: "StatefulSet", name: "web"))
    }
    #expect(with != without && with != pod([Self.own: "web-1", "app": "web"]) && with == pod([Self.own: "web-0", "app": "web"]))
    #expect(without.annotations == ["a": "b", "prometheus.io/port": "1"] && without.scrapeFacts.containers.isEmpty)
    #expect(with.annotations == ["a": "b"] && with.scrapeFacts.containers.map(\.name) == ["app"], "without ephemeral containers")
    #expect(pod([:]).scrapeFacts.labels.isEmpty && pod([:]).scrapeFacts.containers.count == 1)
  }

  @Test func `packed labels are read in place`() {
    let labels = PackedLabels(["b": "2", "a": "1", "é": ""])
    #expect(labels.dictionary == ["a": "1", "b": "2", "é": ""])
    #expect(labels["a"] == "1" && labels["é"] == "" && labels["c"] == nil && PackedLabels()["a"] == nil)
    var keys: [String] = []
    labels.forEach { key, _ in
      keys.append(String(decoding: key, as: UTF8.self))
      return keys.count < 2
    }
    #expect(keys == ["a", "b"])
  }
}
