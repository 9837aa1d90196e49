/// What the demo prints when it starts. Each line that begins with four spaces is a command that works when it is pasted into a shell.
struct DemoAnnouncement {
  var cluster: DemoCluster
  var isolation: NetworkIsolation
  /// Of the controller.
  var listen: String
  var rollcall: String
  /// With the kubeconfig and a policy to try.
  var folder: String
  var threshold: String

  private var kubeconfig: String { "\(folder)/kubeconfig" }

  private var pods: String {
    switch isolation {
    case .namespaces: "each Linux pod has its own network namespace"
    case .userNamespaces: "each Linux pod has its own network namespace, inside a user namespace"
    case .none(let reason):
      "network namespaces are not available (\(reason)): the Linux pods share this machine's network as host-network pods"
    }
  }

  /// With what it answers.
  private var commands: [(question: String, command: String)] {
    let agent = cluster.nodes.first(where: \.isLinux)?.address ?? ""
    func ask(_ question: String) -> String { "\(rollcall) \(question) --server http://\(listen)" }
    return [
      ("What is not collected or not scraped, and why", ask("gaps -A")),
      ("Why Prometheus does not scrape this workload", ask("explain pod/orders-0 -n shop")),
      ("What is wrong with the installation", "\(ask("doctor")) --kubeconfig \(kubeconfig)"),
      ("The policies, and what another one would change", ask("policy list")), ("", ask("policy test \(folder)/policy.yaml")),
      ("How much is collected, and how much is exempt", ask("coverage")), ("The same by node", ask("nodes -o wide")),
      ("The targets that Rollcall gives Prometheus", ask("targets")),
      ("What the rules read", "curl -s http://\(listen)/metrics | grep ^rollcall_container_gap"),
      ("The sockets of the pods on a node", "curl -s http://\(agent):9753/metrics | grep ^rollcall_pod_tcp_current_established"),
      ("The objects, if you have kubectl", "kubectl --kubeconfig \(kubeconfig) get nodes,pods,podmonitors,endpointslices -A"),
    ]
  }

  var text: String {
    """

    Rollcall demo: \(cluster.nodes.count) nodes, \(cluster.pods.count) pods; \(pods).

      status page   http://\(listen)/
      API server    \(kubeconfig)

    Try, in another terminal:

    \(commands.map { "\($0.question.isEmpty ? "" : "  \($0.question):\n")    \($0.command)\n" }.joined())
    A container becomes a gap after \(threshold) without collection; the scrapes of the workloads are judged after half a minute, and that one
    is not loaded is said after five. With --inject agent-down|exporter-down|pod-silent something fails, and is repaired again.
    Ctrl-C stops everything.

    """
  }
}
