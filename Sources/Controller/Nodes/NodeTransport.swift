internal import Collector
internal import HTTPTransport
internal import Logging
internal import ProcessLimits

/// The HTTP client of node tasks. The open file limit bounds its idle connections.
struct NodeTransport: Sendable {
  let http: HTTPTransport
  /// Connections to agents are kept between calls up to this number of nodes.
  let keptConnections: Int

  init(settings: NodeSettings, logger: Logger) throws(ControllerError) {
    // One transfer per call, plus those for pods of virtual nodes, which their collector bounds.
    let transfers = settings.maximumCalls + settings.virtual.maximumTransfers
    let capacity = OpenFiles.connectionCapacity(inUse: 2 * transfers)
    if capacity < settings.keptConnections {
      logger.warning(
        "open file limit too low to keep connections to that many nodes; raise it (ulimit -n)",
        metadata: ["kept": "\(capacity)", "wanted": "\(settings.keptConnections)"])
    }
    keptConnections = min(capacity, settings.keptConnections)
    // The collector for virtual nodes keeps one connection per concurrent call.
    http = try .make(maximumTransfers: transfers, connectionCacheSize: keptConnections + settings.maximumCalls)
  }
}

/// The open file limit (R63).
enum OpenFiles {
  /// Descriptors for watches, server connections, probes, certificate files and libraries.
  private static let reserve = 1024

  /// Raises the soft limit as far as permitted.
  /// - Returns: the number of idle connections that fit in addition to those in use.
  static func connectionCapacity(inUse: Int) -> Int {
    DescriptorLimit.raise().map { capacity(of: $0, inUse: inUse) } ?? 0
  }

  static func capacity(of limit: Int, inUse: Int) -> Int { max(0, limit - reserve - inUse) }
}
