package import HTTPTransport
public import Logging

/// A client of one API server.
///
///     let client = try KubeClient(configuration: .load(environment: environment), logger: logger)
///
///     // Objects are JSON values. Kinds that this module does not know need an `APIResource`.
///     let settings = try await client.get(.configMaps, name: "settings", namespace: "shop")
///     try await client.apply(
///       ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "seen", "namespace": "shop"], "data": ["by": "us"]],
///       fieldManager: "us")
///
///     // A reflector follows a resource and keeps a store.
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
/// To let only one of several processes act, use `LeaderElector`.
///
/// Each call is one request; a list is one request per page. A failed call throws `KubeError`. Only a 401 is retried, once, with refreshed
/// credentials. Cancelling the calling task cancels the request.
public final class KubeClient: Sendable {
  /// The server and the credentials.
  public var configuration: ClusterConfiguration { access.configuration }
  let access: ClusterAccess
  let transport: HTTPTransport
  let logger: Logger

  /// - Throws: `KubeError.configuration` if the configuration is contradictory or libcurl cannot be set up.
  public convenience init(configuration: ClusterConfiguration, logger: Logger) throws(KubeError) {
    let transport: HTTPTransport
    var limits = HTTPTransportConfiguration()
    limits.streamBufferBytes = RequestLimits.streamBuffer
    do {
      transport = try HTTPTransport(configuration: limits)
    } catch {
      throw .configuration("cannot set up the HTTP client: \(error)")
    }
    try self.init(configuration: configuration, transport: transport, logger: logger)
  }

  /// For a client that shares a transport, or has a transport with other settings.
  /// - Throws: `KubeError.configuration` if the configuration is contradictory.
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
