import Collector
import KubeClient
import Testing

@testable import Controller

@Suite struct VirtualNodeTests {
  let configured = VirtualEndpoint()
  let limits = AnnotationLimits(ports: [8080, 9000, 10250])

  private func endpoint(scheme: String = "http", port: Int, path: String = "/metrics/cadvisor", from: VirtualEndpoint.Scope = .pods)
    -> VirtualEndpoint
  {
    var endpoint = configured
    (endpoint.scheme, endpoint.port, endpoint.path, endpoint.scope) = (scheme, port, path, from)
    return endpoint
  }

  @Test func `the label overrides settings, and annotations override the label`() {
    let labelled = VirtualNode(
      NodeRecord(name: "n", labels: ["rollcall.dev/cadvisor-port": "9000"]), configured: configured, limits: limits)
    #expect(labelled.endpoint == endpoint(port: 9000))
    let annotated = VirtualNode(
      NodeRecord(
        name: "n", labels: ["rollcall.dev/cadvisor-port": "9000"],
        annotations: ["rollcall.dev/cadvisor": "https://:10250/m", "rollcall.dev/cadvisor-from": "node"]), configured: configured,
      limits: limits)
    #expect(annotated.endpoint == endpoint(scheme: "https", port: 10250, path: "/m", from: .node))
    #expect(labelled.notes + annotated.notes == [])
  }

  @Test(arguments: [
    ("rollcall.dev/cadvisor", "http://evil.example:8080/metrics", "without a host"),
    ("rollcall.dev/cadvisor", ":8080/metrics", "without a host"),
    ("rollcall.dev/cadvisor", "ftp://:8080/metrics", "without a host"), ("rollcall.dev/cadvisor", "http://:0/metrics", "without a host"),
    ("rollcall.dev/cadvisor", "http://:8080/m?x", "without a host"), ("rollcall.dev/cadvisor-from", "both", "pods or node"),
    ("rollcall.dev/cadvisor-port", "65536", "a port"), ("rollcall.dev/cadvisor-port", "http", "a port"),
    ("rollcall.dev/cadvisor-port", "6379", "--annotation-ports"), ("rollcall.dev/cadvisor", "http://:6379/m", "--annotation-ports"),
  ])
  func `R107: a label or an annotation that is invalid or not allowed is noted and ignored`(name: String, value: String, accepted: String)
    throws
  {
    let isLabel = name.hasSuffix("port")
    let node = VirtualNode(
      NodeRecord(name: "n", labels: isLabel ? [name: value] : [:], annotations: isLabel ? [:] : [name: value]), configured: configured,
      limits: limits)
    #expect(node.endpoint == configured)
    #expect(node.notes.count == 1)
    let note = try #require(node.notes.first)
    #expect(note.contains(name) && note.contains("\"\(value)\"") && note.contains(accepted))
  }

  @Test func `the first few Pods with invalid annotations are named and the rest are counted`() {
    func pod(_ number: Int, _ annotation: String) -> PodRecord {
      PodRecord(namespace: "shop", name: "p\(number)", nodeName: "n", annotations: ["rollcall.dev/cadvisor": annotation])
    }
    #expect(VirtualNode.notes(on: [pod(0, "http://:8080/m"), pod(1, "http://:6379/m")]) == [])
    let notes = VirtualNode.notes(on: (0..<13).map { pod($0, "8080") })
    #expect(notes.count == 11)
    #expect(notes.first?.hasPrefix("pod shop/p0: annotation rollcall.dev/cadvisor: \"8080\" is invalid") == true)
    #expect(notes.last == "and 3 more pods with an invalid annotation")
  }
}
