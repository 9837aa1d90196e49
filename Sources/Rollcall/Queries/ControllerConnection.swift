internal import HTTPTransport
internal import JSON
internal import Primitives

/// Asks a controller.
struct ControllerConnection {
  /// Without a path.
  let url: String
  let headers: [HTTPHeader]
  let tls: TLSOptions?

  /// A list of 300,000 gaps has 120 MB.
  private static let maximumBytes = 512 << 20

  /// - Parameter parameters: of the query; those without a value are left out.
  /// - Throws: `QueryFailure`, with what the controller says if it refuses.
  func get(_ path: String, _ parameters: [(name: String, value: String?)] = []) async throws(QueryFailure) -> JSONValue {
    try await send(HTTPRequest(url: path), parameters)
  }

  /// As `get`, with a body.
  func post(
    _ path: String, _ parameters: [(name: String, value: String?)] = [], body: [UInt8], contentType: String
  ) async throws(QueryFailure) -> JSONValue {
    try await send(HTTPRequest(method: "POST", url: path, headers: [HTTPHeader("Content-Type", contentType)], body: body), parameters)
  }

  /// - Parameter request: with a path as its URL.
  private func send(_ request: HTTPRequest, _ parameters: [(name: String, value: String?)]) async throws(QueryFailure) -> JSONValue {
    let path = request.url
    let query = parameters.compactMap { parameter in parameter.value.map { "\(parameter.name)=\(escapedForURL($0))" } }
    var request = request
    request.url = path + (query.isEmpty ? "" : "?\(query.joined(separator: "&"))")
    let response = try await response(to: request)
    let value = try? JSONValue(parsing: response.body)
    switch (response.status, value) {
    case (200, let value?):
      for missing in value["shards"]?["missing"]?.array ?? [] {
        let shard = missing["shard"]?.integer.map { "\($0)" } ?? "?"
        standardError("incomplete: shard \(shard) is missing: \(missing["error"]?.string ?? "")\n")
      }
      return value
    case (200, nil): throw QueryFailure("\(base)\(path) is not JSON: is this the URL of a controller?")
    default: throw failure(response, path, value?["error"]?.string)
    }
  }

  /// The body of a response that is no JSON.
  func text(_ path: String) async throws(QueryFailure) -> String {
    let response = try await response(to: HTTPRequest(url: path))
    guard response.status == 200 else { throw failure(response, path, nil) }
    return String(decoding: response.body, as: UTF8.self)
  }

  private var base: String { url.hasSuffix("/") ? String(url.dropLast()) : url }

  /// - Parameter request: with path and query as its URL.
  private func response(to request: HTTPRequest) async throws(QueryFailure) -> HTTPResponse {
    var request = request
    request.url = base + request.url
    request.headers += headers
    request.deadline = .seconds(60)
    request.tls = tls
    request.maximumBodyBytes = Self.maximumBytes
    request.acceptsCompression = true
    do {
      return try await HTTPTransport().send(request)
    } catch {
      throw QueryFailure("cannot ask the controller: \(error)")
    }
  }

  /// - Parameter message: the controller's own; `nil` for a response that is not JSON.
  private func failure(_ response: HTTPResponse, _ path: String, _ message: String?) -> QueryFailure {
    if response.status == 404, message == nil {
      return QueryFailure("\(base) has no \(path): it is no controller, or one that is older than this command")
    }
    let text = message ?? String(decoding: response.body.prefix(400), as: UTF8.self)
    let reason = printable(text).split(separator: " ").joined(separator: " ")
    return QueryFailure("the controller answers with status \(response.status): \(reason)\(Self.remedy(response.status, path))")
  }

  private static func remedy(_ status: Int, _ path: String) -> String {
    switch status {
    case 401: "; give a token that the API server knows with --token-file, or leave out --server to go through kubectl port-forward"
    case 403: "; to read \(path), the user needs the ClusterRole rollcall-viewer (docs/configuration.md)"
    default: ""
    }
  }
}
