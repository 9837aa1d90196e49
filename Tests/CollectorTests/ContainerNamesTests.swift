import Collector
import Exposition
import Roll
import TestSupport
import Testing

/// The page as it goes on, in one piece.
private func rewritten(_ page: String, _ names: ContainerNames) throws -> String {
  var rewriter = ExpositionRewriter(names, refusesDuplicates: true)
  rewriter.begin()
  var output: [UInt8] = []
  try Array(page.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
  try rewriter.finish()
  return String(decoding: output, as: UTF8.self)
}

@Suite struct ContainerNamesTests {
  private static let names = ContainerNames(
    node: "win-1",
    [
      (id: "aa", reference: ContainerReference(namespace: "web", pod: "frontend-0", container: "iis")),
      (id: "bb", reference: ContainerReference(namespace: "web", pod: "worker-0", container: "app")),
      (id: "", reference: ContainerReference(namespace: "web", pod: "new-0", container: "app")),
    ])

  @Test("every version's series of a container bear its names", arguments: ["0.20", "0.31", "0.32"])
  func everyVersion(version: String) throws {
    let page = try rewritten(windowsPage(version: version, frontend: "aa", worker: "bb"), Self.names)
    var series: [String: Set<String>] = [:]
    try scanExposition(Array(page.utf8), refusesDuplicates: true) { sample, text in
      let name = sample.nameText(in: text)
      func value(_ label: StaticString) -> String { sample.label(label, in: text)?.text(in: text) ?? "" }
      let who = "\(value("namespace"))/\(value("pod"))/\(value("container"))"
      series[name, default: []].insert(who)
      if value("node") != "win-1" { Issue.record("\(name) of line \(sample.line) has no node") }
    }
    #expect(series["windows_container_available"] == ["web/frontend-0/iis", "web/worker-0/app"])
    #expect(series["windows_container_cpu_usage_seconds_total"] == ["web/frontend-0/iis", "web/worker-0/app"])
    #expect(series["windows_container_network_receive_bytes_total"] == ["web/frontend-0/iis"])
    #expect(series["windows_container_count"] == ["//"])
    #expect(series["windows_service_info"] == ["//"])
    #expect(page.contains("# TYPE windows_container_available gauge\n"))
  }

  @Test(arguments: [
    // What the exporter says holds, unless it says nothing.
    (
      #"windows_container_available{container_id="containerd://aa",namespace="other",pod="",container="iis"} 1"#,
      #"windows_container_available{container_id="containerd://aa",namespace="other",pod="frontend-0",container="iis",node="win-1"} 1"#
    ),
    // A container that nobody knows keeps its ID.
    (
      #"windows_container_available{container_id="docker://cc"} 1"#,
      #"windows_container_available{container_id="docker://cc",node="win-1"} 1"#
    ),
    // Another family's container_id is none of ours.
    (#"windows_process_info{container_id="docker://aa"} 1"#, #"windows_process_info{container_id="docker://aa",node="win-1"} 1"#),
    // R43: a label that is ours to give is kept as Prometheus keeps it.
    (#"windows_cpu_time_total{node="lie"} 1"#, #"windows_cpu_time_total{exported_node="lie",node="win-1"} 1"#),
    ("windows_os_info 1", #"windows_os_info{node="win-1"} 1"#),
  ])
  func oneSeries(line: String, expected: String) throws {
    #expect(try rewritten(line + "\n", Self.names) == expected + "\n")
  }

  @Test func namesAreEscaped() throws {
    let names = ContainerNames(
      node: #"n"\"#, [(id: "aa", reference: ContainerReference(namespace: "a\nb", pod: #"p"1"#, container: "c"))])
    #expect(
      try rewritten("windows_container_processes{container_id=\"containerd://aa\"} 1\n", names)
        == #"windows_container_processes{container_id="containerd://aa",node="n\"\\",namespace="a\nb",pod="p\"1",container="c"} 1"# + "\n")
  }
}
