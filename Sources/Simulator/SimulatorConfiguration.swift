/// How a simulated API server behaves.
package struct SimulatorConfiguration: Sendable {
  /// The address to listen on.
  package var host = "127.0.0.1"
  /// The port to listen on; 0 takes any that is free.
  package var port = 0
  /// Whether EndpointSlices may have loopback addresses, which a real server refuses. The demo's exporters have no others.
  package var acceptsLoopbackEndpoints = false
  /// The bearer token that requests must bring; without one everybody may do everything.
  package var bearerToken: String?
  /// How many changes of each kind are kept for watches and continued lists before they are compacted.
  package var eventHistory = 20_000
  /// Nodes and pods that are there from the start, as many as anyone wants.
  package var population: PopulationSize?
  /// How often a watch that asked for bookmarks gets one. A real server sends one about every minute.
  package var bookmarkInterval: Duration = .seconds(60)

  package init(
    host: String = "127.0.0.1", port: Int = 0, acceptsLoopbackEndpoints: Bool = false, bearerToken: String? = nil
  ) {
    self.host = host
    self.port = port
    self.acceptsLoopbackEndpoints = acceptsLoopbackEndpoints
    self.bearerToken = bearerToken
  }
}
