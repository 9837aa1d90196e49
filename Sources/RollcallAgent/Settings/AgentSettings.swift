import ArgumentParser
import Glibc
import LinuxCollector
import LogLines
import Logging
import Primitives

/// The agent's settings: each from its option, else from the environment, else the default.
struct AgentSettings: Hashable, Sendable {
  var listen: ListenAddress
  var rollListen: ListenAddress
  var tlsDirectory: String
  var proc: String
  var cgroup: String
  var locator: LocatorChoice
  /// `nil` if file systems are not read.
  var filesystemInterval: Duration?
  var sockets: SocketMethod
  var compatibility: Compatibility?
  /// `nil` for plain HTTP.
  var metricsTLSDirectory: String?
  var requiresClientCertificate: Bool
  var netstatInterval: Duration
  var sweepReuse: Duration
  /// The Node's name, from `--node` or `NODE_NAME`; `nil` if neither is set. The agent answers calls for this node only.
  var ownNode: String?
  /// The value of the label `node`: the Node's name, or else the host name.
  var node: String
  var logLevel: Logger.Level
  var logFormat: LogFormat

  /// Additional metric names in the exposition.
  enum Compatibility: String, CaseIterable {
    case cadvisor
  }

  /// - Throws: a `ValidationError` with the option or variable, its value and an example of a valid one.
  init(_ options: AgentOptions, environment: EnvironmentVariables) throws(ValidationError) {
    let lookup = Lookup(environment: environment)
    listen = try lookup.address(options.listen, "listen", default: ListenAddress(host: "", port: 9753))
    rollListen = try lookup.address(options.rollListen, "roll-listen", default: ListenAddress(host: "", port: 9754))
    tlsDirectory = try lookup.folder(options.tlsDir, "tls-dir", default: "/etc/rollcall/tls")
    proc = try lookup.folder(options.proc, "proc", default: "/proc")
    cgroup = try lookup.folder(options.cgroup, "cgroup", default: "/sys/fs/cgroup")
    locator = try lookup.locator(options.locator, socket: options.runtimeSocket)
    filesystemInterval = try lookup.interval(
      options.filesystemInterval, "filesystem-interval", default: FilesystemMonitor.defaultInterval)
    sockets = try lookup.choice(options.sockets, "sockets", of: SocketMethod.self) ?? .inetDiag
    compatibility = try lookup.choice(options.compat, "compat", of: Compatibility.self)
    metricsTLSDirectory = try lookup.folder(options.metricsTLSDir, "metrics-tls-dir")
    requiresClientCertificate =
      try lookup.choice(options.metricsClientCertificates, "metrics-client-certificates", of: Switch.self) == .on
    if requiresClientCertificate, metricsTLSDirectory == nil {
      throw ValidationError("--metrics-client-certificates on requires TLS; set the folder with the certificates by --metrics-tls-dir")
    }
    netstatInterval = try lookup.duration(options.netstatInterval, "netstat-interval", default: .seconds(30))
    sweepReuse = try lookup.duration(options.sweepReuse, "sweep-reuse", default: SharedSweep.reusable)
    ownNode = try lookup.name(options.node, "node") ?? environment["NODE_NAME"]
    node = ownNode ?? hostName()
    logLevel = try lookup.logLevel(options.logLevel, "log-level", default: .info)
    logFormat = try lookup.choice(options.logFormat, "log-format", of: LogFormat.self) ?? .text
  }

  /// Looks up and parses values. Errors name the option or the variable that a value comes from.
  private struct Lookup {
    let environment: EnvironmentVariables

    struct Value {
      var text: String
      var origin: String
    }

    func value(_ option: String?, _ name: String) -> Value? {
      if let option { return Value(text: option, origin: "--\(name)") }
      let variable = "ROLLCALL_AGENT_" + name.uppercased().map { $0 == "-" ? "_" : $0 }
      return environment[variable].map { Value(text: $0, origin: variable) }
    }

    func name(_ option: String?, _ name: String) throws(ValidationError) -> String? {
      guard let value = value(option, name) else { return nil }
      guard !value.text.isEmpty else { throw ValidationError("\(value.origin) is empty; set it to the Node's name, or omit it") }
      return value.text
    }

    func address(_ option: String?, _ name: String, default standard: ListenAddress) throws(ValidationError) -> ListenAddress {
      guard let value = value(option, name) else { return standard }
      guard let address = ListenAddress(value.text) else {
        throw ValidationError(
          "\(value.origin): '\(value.text)' is not an address and a port; write it as 0.0.0.0:\(standard.port), [::]:\(standard.port) or \(standard)"
        )
      }
      return address
    }

    func folder(_ option: String?, _ name: String, default standard: String) throws(ValidationError) -> String {
      try folder(option, name, example: standard) ?? standard
    }

    func folder(_ option: String?, _ name: String, example: String = "/etc/rollcall/metrics-tls") throws(ValidationError) -> String? {
      guard let value = value(option, name) else { return nil }
      guard value.text.hasPrefix("/") else {
        throw ValidationError("\(value.origin): '\(value.text)' is not an absolute path; write it as \(example)")
      }
      // Drops a trailing slash, for readable paths in messages.
      return value.text.count > 1 && value.text.hasSuffix("/") ? String(value.text.dropLast()) : value.text
    }

    func locator(_ option: String?, socket: String?) throws(ValidationError) -> LocatorChoice {
      let socket = value(socket, "runtime-socket")
      let locator = value(option, "locator") ?? Value(text: "cgroup", origin: "--locator")
      guard let runtime = LocatorChoice.Runtime(rawValue: locator.text) else {
        if locator.text != "cgroup" {
          throw ValidationError("\(locator.origin): unknown locator '\(locator.text)'; use cgroup, cri or docker")
        }
        if let socket { throw ValidationError("\(socket.origin) requires the locator cri or docker; choose one with --locator") }
        return .cgroup
      }
      if let socket, !socket.text.hasPrefix("/") {
        throw ValidationError("\(socket.origin): '\(socket.text)' is not an absolute path; write it as \(runtime.usualSockets[0])")
      }
      return .runtime(runtime, socket: socket?.text)
    }

    /// Whole seconds or minutes (`90s`, `5m`); `nil` for `off`.
    func interval(_ option: String?, _ name: String, default standard: Duration) throws(ValidationError) -> Duration? {
      guard let value = value(option, name) else { return standard }
      if value.text == "off" { return nil }
      guard let number = Int64(value.text.dropLast()), (1...86_400).contains(number), let unit = value.text.last, "sm".contains(unit) else {
        throw ValidationError("\(value.origin): '\(value.text)' is not a duration; write it as 90s or 5m, or off")
      }
      return .seconds(unit == "m" ? number * 60 : number)
    }

    /// A case of an enumeration, by its raw value.
    func choice<Choice: CaseIterable & RawRepresentable<String>>(
      _ option: String?, _ name: String, of type: Choice.Type
    ) throws(ValidationError) -> Choice? {
      guard let value = value(option, name) else { return nil }
      guard let choice = Choice(rawValue: value.text.lowercased()) else {
        let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("\(value.origin): unknown value '\(value.text)'; use one of \(choices)")
      }
      return choice
    }

    /// `1s`, `500ms` or `0s`.
    func duration(_ option: String?, _ name: String, default standard: Duration) throws(ValidationError) -> Duration {
      guard let value = value(option, name) else { return standard }
      let digits = value.text.prefix { $0.isNumber }
      let duration: Duration? =
        switch value.text.dropFirst(digits.count) {
        case "s": Int64(digits).map { .seconds($0) }
        case "ms": Int64(digits).map { .milliseconds($0) }
        default: nil
        }
      guard let duration, duration <= .seconds(3600) else {
        throw ValidationError("\(value.origin): '\(value.text)' is not a duration of at most an hour; write it as 1s or 500ms")
      }
      return duration
    }

    func logLevel(_ option: String?, _ name: String, default standard: Logger.Level) throws(ValidationError) -> Logger.Level {
      guard let value = value(option, name) else { return standard }
      guard let level = Logger.Level(rawValue: value.text.lowercased()) else {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("\(value.origin): '\(value.text)' is not a log level; use one of \(levels)")
      }
      return level
    }
  }
}

enum Switch: String, CaseIterable {
  case on, off
}

/// The environment as a value. An empty variable counts as unset, since manifests often leave variables empty.
struct EnvironmentVariables: Sendable {
  private var values: [String: String]

  init(_ values: [String: String]) {
    self.values = values
  }

  subscript(name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The environment of this process.
  static func process() -> EnvironmentVariables {
    var values: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee.map({ String(cString: $0) }) {
      if let equals = text.firstIndex(of: "=") { values[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
      entry += 1
    }
    return EnvironmentVariables(values)
  }
}

/// The kernel's host name, which usually is the Kubernetes node's name.
private func hostName() -> String {
  // POSIX limits host names to 255 bytes.
  var bytes = [CChar](repeating: 0, count: 256)
  guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
  return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
