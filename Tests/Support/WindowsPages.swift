/// A page as windows_exporter writes it with two containers: labels of its own times, and what each version added.
/// - 0.20: `container_id` only.
/// - 0.31: `namespace`, `pod`, `container` too, empty for the second container as its label cache leaves them at times; `hostprocess`.
/// - 0.32: start times, process counts, page faults, writable layers.
package func windowsPage(version: String, frontend: String, worker: String) -> String {
  let hasPodLabels = version != "0.20"
  func labels(_ id: String, _ scheme: String, _ pod: String) -> String {
    let podLabels = id == frontend ? #",namespace="web",pod="\#(pod)",container="iis""# : #",namespace="",pod="",container="""#
    return #"container_id="\#(scheme)://\#(id)""# + (hasPodLabels ? podLabels : "")
  }
  let first = labels(frontend, "containerd", "frontend-0")
  let second = labels(worker, "docker", "worker-0")
  let hostProcess = hasPodLabels ? #",hostprocess="false""# : ""
  var page = """
    # HELP windows_container_available Available
    # TYPE windows_container_available gauge
    windows_container_available{\(first)\(hostProcess)} 1
    windows_container_available{\(second)\(hostProcess)} 1
    # HELP windows_container_count Number of containers
    # TYPE windows_container_count gauge
    windows_container_count 2
    # HELP windows_container_cpu_usage_seconds_total Total Run time in Seconds
    # TYPE windows_container_cpu_usage_seconds_total counter
    windows_container_cpu_usage_seconds_total{\(first)} 18.703125
    windows_container_cpu_usage_seconds_total{\(second)} 1.40625e+06
    # HELP windows_container_network_receive_bytes_total Bytes Received on Interface
    # TYPE windows_container_network_receive_bytes_total counter
    windows_container_network_receive_bytes_total{\(first),interface="4E0E5B2A-63C9-4C5D-8B0D-E6D5C19DF4C3"} 109204
    # HELP windows_exporter_build_info A metric with a constant '1' value labeled by version, revision, branch, goversion from which windows_exporter was built.
    # TYPE windows_exporter_build_info gauge
    windows_exporter_build_info{branch="HEAD",goversion="go1.24",revision="abc",version="\(version).0"} 1
    # HELP windows_exporter_collector_success windows_exporter: Whether the collector was successful.
    # TYPE windows_exporter_collector_success gauge
    windows_exporter_collector_success{collector="container"} 1
    # HELP windows_exporter_collector_timeout windows_exporter: Whether the collector timed out.
    # TYPE windows_exporter_collector_timeout gauge
    windows_exporter_collector_timeout{collector="container"} 0
    # HELP windows_service_info A metric with a constant '1' value labeled with service information
    # TYPE windows_service_info gauge
    windows_service_info{name="Themes",path_name="C:\\\\Windows\\\\System32\\\\svchost.exe -k netsvcs"} 1

    """
  if version == "0.32" {
    page += """
      # HELP windows_container_processes Number of processes
      # TYPE windows_container_processes gauge
      windows_container_processes{\(first)} 21
      # HELP windows_container_start_time_seconds Start time
      # TYPE windows_container_start_time_seconds gauge
      windows_container_start_time_seconds{\(first)} 1.7952532e+09

      """
  }
  return page
}
