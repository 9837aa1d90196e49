import Roll

/// The first things to check for each reason. Part of every alert and of Events about open gaps.
func advice(_ reason: Reason) -> String {
  switch reason {
  case .noAgent:
    "The node has no usable address: check status.addresses of the Node and the rollcall-agent pod on it."
  case .agentUnreachable:
    "Check the rollcall-agent pod on the node: is it running, does it mount the Secret rollcall-tls, does a NetworkPolicy or firewall block TCP 9754 from the controller?"
  case .agentTimeout: "The agent is slow: check the node's load and the CPU limit of the rollcall-agent pod."
  case .pidNotFound:
    "The agent finds no process of the container: check that its pod has hostPID and that it supports the node's cgroup layout."
  case .permissionDenied:
    "The agent may not read the process: check that its pod has the capabilities in the manifest and that no security module denies access."
  case .exporterUnreachable: "Check the windows_exporter service on the node and the firewall rule for its port."
  case .exporterTimeout: "windows_exporter is slow: enable only the collectors you need, and upgrade versions older than 0.29.0."
  case .collectorFailed: "windows_exporter responds, but its container collector fails: check its log on the node."
  case .endpointUnreachable: "Check that the pod's instance serves cAdvisor metrics at the configured port and path."
  case .endpointTimeout: "The pod's cAdvisor endpoint is slow, or packets to it are dropped."
  case .badExposition: "The endpoint responds, but not with valid metrics: fetch it by hand and look at the response."
  case .tooLarge:
    "The response exceeds a limit, which the detail names: drop families at the endpoint or with --virtual-drop, or raise --label-limit, --label-length-limit, --service-monitor-sample-limit or --service-monitor-body-limit."
  case .notInResponse: "The exporter responds but does not list the container: on Windows, check that the container collector is enabled."
  case .staleData: "The exporter returns data that no longer changes: check its log and restart it."
  case .notScraped: "Check that Prometheus has the target and that it is up: see its targets page and its ServiceMonitor selector."
  case .nodeNotReady: "The node is not ready: see kubectl describe node."
  case .wrongNode:
    "Another node has this node's address: delete the Node that is gone, or correct the address."
  case .restarting: "The container restarts again and again: see kubectl describe pod and the log of its previous instance."
  case .rollStale: "The controller's watch is out of sync: check the API server and the controller's permissions."
  case .unknown: "See the detail above and the controller's log."
  case .noMonitor: "Make a ServiceMonitor or a PodMonitor for the port that serves metrics, or rename the port."
  case .portNotFound: "Name a port in the monitor that the Service or a container declares: see the detail."
  case .noEndpoint: "Compare the Service's selector with the pod's labels, and the monitor's serviceDiscoveryRole with the EndpointSlices."
  case .monitorNotAdopted: "Give the monitor, or its namespace, the labels that a Prometheus object selects: see the detail."
  case .rejected: "Correct what the Prometheus Operator refuses: see the Events of the monitor."
  case .notLoaded:
    "See the log of the Prometheus's config-reloader and Prometheus's own log: the operator may be stopped, or the configuration refused."
  case .dropped: "Change the relabel rule of the monitor, or the label that it looks at: see the detail."
  case .notDiscovered:
    "Check that the Prometheus's service account may list pods, services and endpoints in the namespace, and see Prometheus's log."
  case .scrapeFailing: "Fetch the container's metrics by hand from the Prometheus's pod: the detail has Prometheus's own error."
  case .staleScrape: "Prometheus has the target and does not scrape it: see its log and its load."
  case .noSamples: "The monitor's metricRelabelings drop every sample: correct them."
  }
}
