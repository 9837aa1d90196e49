import Collector
import Controller
import Roll
import Synchronization
import Testing

@Suite struct WindowsNodeTests {
  private let limits = AnnotationLimits(ports: [9200, 9443])

  @Test func `annotations override settings`() {
    let configured = WindowsNode(endpoint: ExporterEndpoint(port: 9200, collectors: ["cpu"]))
    let plain = WindowsNode([:], configured: configured, limits: limits)
    #expect(plain.endpoint == ExporterEndpoint(port: 9200, collectors: ["cpu"]))
    #expect(plain.source == .exporter)
    let annotated = WindowsNode(
      [
        "rollcall.dev/windows-scheme": "https", "rollcall.dev/windows-port": "9443", "rollcall.dev/windows-path": "/m",
        "rollcall.dev/windows-collect": "container, os", "rollcall.dev/windows-source": "auto", "rollcall.dev/ignore": "true",
      ], configured: configured, limits: limits)
    #expect(annotated.endpoint == ExporterEndpoint(scheme: "https", port: 9443, path: "/m", collectors: ["container", "os"]))
    #expect(annotated.source == .auto)
    #expect(annotated.notes.isEmpty)
  }

  @Test(arguments: [
    ("rollcall.dev/windows-scheme", "ftp", "http or https"), ("rollcall.dev/windows-port", "0", "a port"),
    ("rollcall.dev/windows-port", "6379", "--annotation-ports"), ("rollcall.dev/windows-port", "80/x", "a port"),
    ("rollcall.dev/windows-path", "metrics", "slash"),
    ("rollcall.dev/windows-path", "/m?x", "slash"), ("rollcall.dev/windows-collect", "cpu&a=b", "names of collectors"),
    ("rollcall.dev/windows-source", "both", "exporter, summary or auto"),
  ])
  func `R107: an annotation that is invalid or not allowed is noted and ignored`(name: String, value: String, accepted: String) {
    let node = WindowsNode([name: value], limits: limits)
    #expect(node.endpoint == ExporterEndpoint())
    #expect(node.source == .exporter)
    #expect(node.notes.count == 1)
    #expect(node.notes[0].contains(name) && node.notes[0].contains("\"\(value)\"") && node.notes[0].contains(accepted))
  }
}
