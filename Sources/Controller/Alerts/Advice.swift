import Roll

/// What to look at first when containers are not collected for a reason: goes with every alert.
func advice(_ reason: Reason) -> String {
  switch reason {
  case .noAgent:
    "The node has no usable address: look at status.addresses of the Node, and at the pod of the rollcall-agent DaemonSet on it."
  case .agentUnreachable:
    "Look at the rollcall-agent pod on the node: is it running, does a NetworkPolicy or firewall block TCP 9754 from the controller, has it the Secret rollcall-tls?"
  case .agentTimeout: "The agent is slow to answer: look at the node's load and at the CPU limit of the rollcall-agent pod."
  case .pidNotFound:
    "The agent sees no process of the container: does the agent's pod have hostPID, and is the cgroup layout of the node one that it knows?"
  case .permissionDenied:
    "The agent may not read the process: it needs the capabilities of the manifest, and a security module may forbid more."
  case .exporterUnreachable: "Look at the windows_exporter service on the node, and at the firewall for its port."
  case .exporterTimeout: "windows_exporter is slow: enable only the collectors that are needed, and upgrade versions older than 0.29.0."
  case .collectorFailed: "windows_exporter answers, and its container collector fails: see its log on the node."
  case .endpointUnreachable: "Does the pod's instance serve its cAdvisor endpoint, at the port and path of the settings?"
  case .endpointTimeout: "The pod's cAdvisor endpoint is slow, or packets to it are dropped on the way."
  case .badExposition: "Something answers at the endpoint, and not with metrics: fetch the page by hand and compare."
  case .tooLarge: "The page is larger than the limits of the settings: raise them if it should be."
  case .notInResponse: "The exporter answers and does not know the container: on Windows, is the container collector enabled?"
  case .staleData: "The exporter answers with numbers that stand still: restart it, and see its log."
  case .notScraped: "Does Prometheus have the target, and is it up? Look at its targets page and at the selector of its ServiceMonitors."
  case .nodeNotReady: "The node is not ready: see kubectl describe node."
  case .unknown: "See the detail above, and the controller's log."
  }
}
