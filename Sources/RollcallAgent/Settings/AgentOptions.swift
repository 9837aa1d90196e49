import ArgumentParser

/// The command line as it was typed; `AgentSettings` says what it means.
struct AgentOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Address and port of /metrics, /livez and /readyz. (default: 0.0.0.0:9753)", valueName: "address:port"))
  var listen: String?

  @Option(help: ArgumentHelp("Address and port of /v1/roll, by mutual TLS. (default: 0.0.0.0:9754)", valueName: "address:port"))
  var rollListen: String?

  @Option(
    help: ArgumentHelp(
      "Folder with ca.crt, tls.crt and tls.key, read again when they change. (default: /etc/rollcall/tls)", valueName: "folder"))
  var tlsDir: String?

  @Option(help: ArgumentHelp("Where the host's /proc is mounted. (default: /proc)", valueName: "folder"))
  var proc: String?

  @Option(help: ArgumentHelp("Where the host's cgroup file systems are mounted. (default: /sys/fs/cgroup)", valueName: "folder"))
  var cgroup: String?

  @Option(
    help: ArgumentHelp(
      "How containers' processes are found: by the names of their cgroups, or by asking the runtime. cgroup, cri or docker. (default: cgroup)",
      valueName: "locator"))
  var locator: String?

  @Option(
    help: ArgumentHelp(
      "The runtime's Unix socket, for the locators cri and docker. (default: the first that is there of those in the documentation)",
      valueName: "path"))
  var runtimeSocket: String?

  @Option(
    help: ArgumentHelp(
      "How often the containers' file systems are looked at (a new container's at once), in seconds or minutes, or off. (default: 60s)",
      valueName: "duration"))
  var filesystemInterval: String?

  @Option(
    help: ArgumentHelp(
      """
      How sockets are counted by state: inet-diag (needs CAP_SYS_ADMIN, without which there are no states), text (from /proc/<pid>/net/tcp: \
      no capability, twenty times the work), inet-diag-or-text, or off. (default: inet-diag)
      """, valueName: "way"))
  var sockets: String?

  @Option(help: ArgumentHelp("cadvisor: export cAdvisor's families for TCP and UDP as well.", valueName: "names"))
  var compat: String?

  @Option(
    help: ArgumentHelp(
      "Serve --listen by TLS, with tls.crt and tls.key of this folder, read again when they change.", valueName: "folder"))
  var metricsTLSDir: String?

  @Option(
    help: ArgumentHelp(
      "on: /metrics is only for clients with a certificate of the ca.crt in --metrics-tls-dir. (default: off)", valueName: "on|off"))
  var metricsClientCertificates: String?

  @Option(
    help: ArgumentHelp(
      "How old the counters of net/netstat may be of a pod whose TCP counters move: reading them is most of a sweep's cost. (default: 30s)",
      valueName: "duration"))
  var netstatInterval: String?

  @Option(help: ArgumentHelp("How old a sweep may be that is given to one more scrape or roll call. (default: 1s)", valueName: "duration"))
  var sweepReuse: String?

  @Option(help: ArgumentHelp("Name of this node, for the label node. (default: $NODE_NAME, then the host's name)", valueName: "name"))
  var node: String?

  @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical. (default: info)", valueName: "level"))
  var logLevel: String?
}
