internal import Collector
internal import Exposition
internal import HTTPTypes
internal import Hummingbird
internal import Roll

/// What a request for a node's page says, checked.
struct ProbeRequest: Hashable {
  var node: String
  /// Instead of those that the settings and the node name.
  var collectors: [String]?
  /// How long the client waits; `nil` where it does not say.
  var timeout: Duration?
  var accept: String?
  var acceptEncoding: String?

  var isGzipTaken: Bool { acceptsGzip(acceptEncoding.map { [$0] } ?? []) }

  struct Refused: Error, Hashable {
    let message: String
  }

  /// - Parameter node: `nil` takes it from the query.
  init(_ request: Request, node pathNode: String? = nil) throws(Refused) {
    let parameters = request.uri.queryParameters
    guard let node = pathNode ?? parameters["node"].map(String.init), !node.isEmpty else {
      throw Refused(message: "the parameter node is missing: /probe?node=NAME, with the name of a Node of the cluster")
    }
    self.node = node
    var collectors: [String] = []
    // The name of a parameter is not unescaped by the server.
    for (name, value) in parameters where ["collect[]", "collect%5B%5D", "collect%5b%5d"].contains(name) {
      guard ExporterEndpoint.isCollector(value) else {
        throw Refused(message: "collect[]=\(value) is not the name of a collector: lower-case letters, digits and _")
      }
      collectors.append(String(value))
    }
    guard collectors.count <= 100 else { throw Refused(message: "collect[] is there \(collectors.count) times; at most 100 are taken") }
    self.collectors = collectors.isEmpty ? nil : collectors
    // https://prometheus.io/docs/instrumenting/writing_exporters/: seconds, as a decimal number. Without it, or where it makes no sense, ours holds.
    timeout = Self.timeoutHeader.flatMap { request.headers[$0] }.flatMap(Double.init)
      .flatMap { (0.001...3600).contains($0) ? .seconds($0) : nil }
    accept = request.headers[values: .accept].joined(separator: ", ").nonEmpty
    acceptEncoding = request.headers[values: .acceptEncoding].joined(separator: ", ").nonEmpty
  }

  private static let timeoutHeader = HTTPField.Name("X-Prometheus-Scrape-Timeout-Seconds")
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
