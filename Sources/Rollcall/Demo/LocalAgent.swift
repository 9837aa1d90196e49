/// The real `rollcall-agent` for one Linux node of the demo.
struct LocalAgent {
  var node: DemoCluster.Node
  var executable: String
  var cgroups: DemoDirectory
  var certificates: DemoDirectory

  var process: ChildProcess {
    ChildProcess(
      executable: executable,
      arguments: [
        "--node", node.name, "--listen", "\(node.address):9753", "--roll-listen", "\(node.address):9754",
        "--tls-dir", certificates.path, "--cgroup", cgroups.path, "--log-level", "warning",
      ])
  }
}
