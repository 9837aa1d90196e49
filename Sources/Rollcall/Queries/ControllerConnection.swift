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
    let base = url.hasSuffix("/") ? String(url.dropLast()) : url
    var request = request
    request.url = base + path + (query.isEmpty ? "" : "?\(query.joined(separator: "&"))")
    request.headers += headers
    request.deadline = .seconds(60)
    request.tls = tls
    request.maximumBodyBytes = Self.maximumBytes
    request.acceptsCompression = true
    let response: HTTPResponse
    do {
      response = try await HTTPTransport().send(request)
    } catch {
      throw QueryFailure("cannot ask the controller: \(error)")
    }
    let value = try? JSONValue(parsing: response.body)
    switch (response.status, value) {
    case (200, let value?): return value
    case (200, nil): throw QueryFailure("\(base)\(path) is not JSON: is this the URL of a controller?")
    case (404, nil): throw QueryFailure("\(base) has no \(path): it is no controller, or one that is older than this command")
    default:
      let reason = printable(value?["error"]?.string ?? String(decoding: response.body.prefix(400), as: UTF8.self))
        .split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
      throw QueryFailure("the controller answers with status \(response.status): \(reason)\(Self.remedy(response.status, path))")
    }
  }

  private static func remedy(_ status: Int, _ path: String) -> String {
    switch status {
    case 401: "; give a token that the API server knows with --token-file, or leave out --server to go through kubectl port-forward"
    case 403: "; to read \(path), the user needs the ClusterRole rollcall-viewer (docs/configuration.md)"
    default: ""
    }
  }
}
