internal import Collector
internal import HTTPTransport
internal import Logging
internal import ProcessLimits

/// The HTTP client of node tasks, with as many kept connections as the limit of open files allows.
struct NodeTransport: Sendable {
  let http: HTTPTransport
  /// Up to how many nodes the connections to agents are kept between calls.
  let keptConnections: Int

  init(settings: NodeSettings, logger: Logger) throws(ControllerError) {
    // A transfer for each call, and for the pods of virtual nodes, whose collector bounds itself.
    let transfers = settings.maximumCalls + settings.virtual.maximumTransfers
    let capacity = OpenFiles.connectionCapacity(inUse: 2 * transfers)
    if capacity < settings.keptConnections {
      logger.warning(
        "the limit of open files is too low to keep the connections of that many nodes; raise it (ulimit -n)",
        metadata: ["kept": "\(capacity)", "wanted": "\(settings.keptConnections)"])
    }
    keptConnections = min(capacity, settings.keptConnections)
    // The collector of virtual nodes keeps connections to as many pods as there are calls.
    http = try .make(maximumTransfers: transfers, connectionCacheSize: keptConnections + settings.maximumCalls)
  }
}

/// The limit of open files (R63).
enum OpenFiles {
  /// For watches, the server's own connections, probes, certificate files, and the libraries.
  private static let reserve = 1024

  /// Raises the limit as far as permitted.
  /// - Returns: the number of idle connections that can be kept beside those in use.
  static func connectionCapacity(inUse: Int) -> Int {
    DescriptorLimit.raise().map { capacity(of: $0, inUse: inUse) } ?? 0
  }

  static func capacity(of limit: Int, inUse: Int) -> Int { max(0, limit - reserve - inUse) }
}
