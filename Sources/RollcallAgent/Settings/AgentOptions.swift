import ArgumentParser

/// The options as given on the command line, which `AgentSettings` validates.
struct AgentOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Address and port of /metrics, /livez and /readyz; without an address all, of IPv4 and IPv6. (default: :9753)",
      valueName: "address:port"))
  var listen: String?

  @Option(
    help: ArgumentHelp(
      "Address and port of /v1/roll, over mutual TLS; without an address all, of IPv4 and IPv6. (default: :9754)", valueName: "address:port"
    ))
  var rollListen: String?

  @Option(
    help: ArgumentHelp(
      "Folder with ca.crt, tls.crt and tls.key, reread when they change. (default: /etc/rollcall/tls)", valueName: "folder"))
  var tlsDir: String?

  @Option(help: ArgumentHelp("Where the host's /proc is mounted. (default: /proc)", valueName: "folder"))
  var proc: String?

  @Option(help: ArgumentHelp("Where the host's cgroup file systems are mounted. (default: /sys/fs/cgroup)", valueName: "folder"))
  var cgroup: String?

  @Option(
    help: ArgumentHelp(
      "How to find containers' processes: by the names of their cgroups (cgroup), or by asking the runtime (cri, docker). (default: cgroup)",
      valueName: "locator"))
  var locator: String?

  @Option(
    help: ArgumentHelp(
      "The runtime's Unix socket, for the locators cri and docker. (default: the first existing one of those in docs/configuration.md)",
      valueName: "path"))
  var runtimeSocket: String?

  @Option(
    help: ArgumentHelp(
      "How often to read the containers' file systems (a new container's at once), in seconds or minutes, or off. (default: 60s)",
      valueName: "duration"))
  var filesystemInterval: String?

  @Option(
    help: ArgumentHelp(
      """
      How to count sockets by state: inet-diag (requires CAP_SYS_ADMIN, otherwise there are no states), text (reads /proc/<pid>/net/tcp: \
      requires no capability, costs twenty times as much), inet-diag-or-text, or off. (default: inet-diag)
      """, valueName: "method"))
  var sockets: String?

  @Option(help: ArgumentHelp("cadvisor: also export cAdvisor's families for TCP and UDP.", valueName: "names"))
  var compat: String?

  @Option(
    help: ArgumentHelp(
      "Serve /metrics over TLS only, with tls.crt and tls.key of this folder, reread when they change.", valueName: "folder"))
  var metricsTLSDir: String?

  @Option(
    help: ArgumentHelp(
      "on: /metrics requires a client certificate issued by the ca.crt in --metrics-tls-dir. (default: off)", valueName: "on|off"))
  var metricsClientCertificates: String?

  @Option(
    help: ArgumentHelp(
      "Maximum age of the net/netstat counters of a pod whose TCP counters change: reading them is most of a sweep's cost. (default: 30s)",
      valueName: "duration"))
  var netstatInterval: String?

  @Option(help: ArgumentHelp("Maximum age of a sweep that another scrape or roll call may share. (default: 1s)", valueName: "duration"))
  var sweepReuse: String?

  @Option(
    help: ArgumentHelp(
      """
      Name of this Node: the label node, and the only node that rolls are answered for. (default: $NODE_NAME; without either, the label is the \
      host name, and rolls are answered for any node)
      """, valueName: "name"))
  var node: String?

  @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical. (default: info)", valueName: "level"))
  var logLevel: String?

  @Option(help: ArgumentHelp("Format of log messages: text, logfmt or json. (default: text)", valueName: "format"))
  var logFormat: String?
}
