extension ControllerSettings {
  /// CPU, memory, network and file system of containers: the first that a dashboard shows, and all that `/metrics/resource` and
  /// `/stats/summary` are made of.
  static let basicFamilies = [
    "container_cpu_usage_seconds_total", "container_fs_limit_bytes", "container_fs_reads_bytes_total", "container_fs_usage_bytes",
    "container_fs_writes_bytes_total", "container_memory_rss", "container_memory_usage_bytes", "container_memory_working_set_bytes",
    "container_network_receive_bytes_total", "container_network_transmit_bytes_total", "container_start_time_seconds",
  ]

  /// What no single setting of the push is wrong about.
  func checkPush() throws(SettingsError) {
    if virtualMode != .serve, remoteWrite == nil, openFalcon == nil {
      throw .contradiction(
        "--virtual-mode \(virtualMode.rawValue) has nowhere to push to: name a receiver by --remote-write-url or --open-falcon-url")
    }
    if virtualMode == .serve, remoteWrite != nil {
      throw .contradiction("--remote-write-url gets nothing with --virtual-mode serve: choose push or both, or leave it out")
    }
    if remoteWrite == nil, remoteWriteHeadersFile ?? remoteWriteCAFile ?? remoteWriteCertificateFile ?? remoteWriteKeyFile != nil {
      throw .contradiction("--remote-write-headers-file and the like are for --remote-write-url, which is not given")
    }
    if remoteWrite?.isPlain == true, remoteWriteHeadersFile != nil {
      throw .contradiction(
        "the headers of --remote-write-headers-file would go over plain http: give --remote-write-url an https URL, or leave them out")
    }
    if remoteWriteSkipsVerification, remoteWriteCAFile != nil {
      throw .contradiction("--remote-write-skip-verify and --remote-write-ca-file contradict each other: give up one of them")
    }
    if remoteWriteKeyFile != nil, remoteWriteCertificateFile == nil {
      throw .contradiction("--remote-write-key-file is of no use without --remote-write-cert-file")
    }
  }
}
