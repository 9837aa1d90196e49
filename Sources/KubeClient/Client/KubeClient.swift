package import HTTPTransport
public import Logging

/// A client of one API server.
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
    do {
      transport = try HTTPTransport()
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
