import Collector
import Exposition
import Roll
import TestSupport
import Testing

private func rewritten(_ body: String, _ names: ContainerNames) throws -> String {
  var rewriter = ExpositionRewriter(names, rejectsDuplicates: true)
  rewriter.begin()
  var output: [UInt8] = []
  try Array(body.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
  try rewriter.finish(into: &output)
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

  @Test(arguments: ["0.20", "0.31", "0.32"])
  func `series of containers get their names in every exporter version`(version: String) throws {
    let body = try rewritten(windowsPage(version: version, frontend: "aa", worker: "bb"), Self.names)
    var series: [String: Set<String>] = [:]
    for sample in try parsedSamples(Array(body.utf8)) {
      series[sample.name, default: []].insert("\(sample["namespace"] ?? "")/\(sample["pod"] ?? "")/\(sample["container"] ?? "")")
      if sample["node"] != "win-1" { Issue.record("\(sample) has no node") }
    }
    #expect(series["windows_container_available"] == ["web/frontend-0/iis", "web/worker-0/app"])
    #expect(series["windows_container_cpu_usage_seconds_total"] == ["web/frontend-0/iis", "web/worker-0/app"])
    #expect(series["windows_container_network_receive_bytes_total"] == ["web/frontend-0/iis"])
    #expect(series["windows_container_count"] == ["//"])
    #expect(series["windows_service_info"] == ["//"])
    #expect(body.contains("# TYPE windows_container_available gauge\n"))
  }

  @Test(arguments: [
    // The exporter's own labels are kept unless empty.
    (
      #"windows_container_available{container_id="containerd://aa",namespace="other",pod="",container="iis"} 1"#,
      #"windows_container_available{container_id="containerd://aa",namespace="other",pod="frontend-0",container="iis",node="win-1"} 1"#
    ),
    // An unknown container only gets the node.
    (
      #"windows_container_available{container_id="docker://cc"} 1"#,
      #"windows_container_available{container_id="docker://cc",node="win-1"} 1"#
    ),
    // The label container_id of other families is ignored.
    (#"windows_process_info{container_id="docker://aa"} 1"#, #"windows_process_info{container_id="docker://aa",node="win-1"} 1"#),
    // R43: a conflicting label is renamed as Prometheus does.
    (#"windows_cpu_time_total{node="lie"} 1"#, #"windows_cpu_time_total{exported_node="lie",node="win-1"} 1"#),
    ("windows_os_info 1", #"windows_os_info{node="win-1"} 1"#),
  ])
  func `labels of a single series`(line: String, expected: String) throws {
    #expect(try rewritten(line + "\n", Self.names) == expected + "\n")
  }

  @Test func `names are escaped`() throws {
    let names = ContainerNames(
      node: #"n"\"#, [(id: "aa", reference: ContainerReference(namespace: "a\nb", pod: #"p"1"#, container: "c"))])
    #expect(
      try rewritten("windows_container_processes{container_id=\"containerd://aa\"} 1\n", names)
        == #"windows_container_processes{container_id="containerd://aa",node="n\"\\",namespace="a\nb",pod="p\"1",container="c"} 1"# + "\n")
  }
}
