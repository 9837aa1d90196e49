package import HTTPTransport
public import Logging

/// A client of one API server.
///
///     let client = try KubeClient(configuration: .load(environment: environment), logger: logger)
///
///     // Objects are JSON values; a kind that this module does not know needs its `APIResource`.
///     let settings = try await client.get(.configMaps, name: "settings", namespace: "shop")
///     try await client.apply(
///       ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "seen", "namespace": "shop"], "data": ["by": "us"]],
///       fieldManager: "us")
///
///     // To follow a resource, run a reflector and read its store.
///     let pods = Reflector(client: client, resource: .pods, decoder: .pods(), logger: logger)
///     await withTaskGroup { group in
///       group.addTask { await pods.run() }
///       for await change in pods.store.changes {
///         let snapshot = pods.store.snapshot()
///         switch change {
///         case .all: print("\(snapshot.count) Pods")
///         case .keys(let keys): for key in keys { print(key, snapshot[key]?.phase ?? "is gone") }
///         }
///       }
///     }
///
/// To be the only one of several processes that acts, see `LeaderElector`.
///
/// Every call is one request, or one a page for a list. A call that fails throws `KubeError`; only a 401 is tried a second time, with
/// fresh credentials. Cancelling the calling task ends the request.
public final class KubeClient: Sendable {
  /// Where the server is and who we are to it.
  public var configuration: ClusterConfiguration { access.configuration }
  let access: ClusterAccess
  let transport: HTTPTransport
  let logger: Logger

  /// - Throws: `KubeError.configuration` where the configuration contradicts itself or no HTTP client can be made.
  public convenience init(configuration: ClusterConfiguration, logger: Logger) throws(KubeError) {
    let transport: HTTPTransport
    var limits = HTTPTransportConfiguration()
    limits.streamBufferBytes = RequestLimits.streamBuffer
    do {
      transport = try HTTPTransport(configuration: limits)
    } catch {
      throw .configuration("no HTTP client can be made: \(error)")
    }
    try self.init(configuration: configuration, transport: transport, logger: logger)
  }

  /// For a client that shares a transport with others, or has one with settings of its own.
  /// - Throws: `KubeError.configuration` where the configuration contradicts itself.
  package init(configuration: ClusterConfiguration, transport: HTTPTransport, logger: Logger) throws(KubeError) {
    do {
      access = try ClusterAccess(configuration, logger: logger)
    } catch {
      throw .configuration("\(error)")
    }
    self.transport = transport
    self.logger = logger
  }
}
