internal import HTTPTransport
internal import JSON
internal import Roll

/// Fetches the controller's HTTP SD and scrapes every target, as Prometheus does, discarding the bodies. Without scrapes every container of
/// the demo would become an `unscraped` gap.
struct StandInPrometheus: Sendable {
  var transport: HTTPTransport
  /// The controller's `/sd/v1/targets`.
  var discovery: String
  var interval: Duration

  /// Scrapes until the task is cancelled. Failures are ignored, because the controller reports them.
  func run() async throws {
    while true {
      if let response = try? await transport.send(request(discovery)), response.status == 200,
        let groups = try? JSONValue(parsing: response.body)
      {
        await withTaskGroup { scrapes in
          for url in Self.targets(in: groups) {
            scrapes.addTask { _ = try? await transport.send(request(url)) }
          }
        }
      }
      try await Task.sleep(for: interval)
    }
  }

  private func request(_ url: String) -> HTTPRequest {
    var request = HTTPRequest(url: url, deadline: interval)
    request.headers = [HTTPHeader(Scrapers.timeoutHeader, "\(interval.seconds)")]
    return request
  }

  private static func targets(in groups: JSONValue) -> [String] {
    (groups.array ?? []).flatMap { group in
      let scheme = group["labels"]?["__scheme__"]?.string ?? "http"
      let path = group["labels"]?["__metrics_path__"]?.string ?? "/metrics"
      // Node names need no escaping.
      let query = group["labels"]?["__param_node"]?.string.map { "?node=\($0)" } ?? ""
      return (group["targets"]?.array ?? []).compactMap(\.string).map { "\(scheme)://\($0)\(path)\(query)" }
    }
  }
}
