internal import HTTPTransport
internal import JSON
internal import Logging

/// The API server's answer, whole.
package struct APIResponse: Sendable {
  package var status: Int
  /// `Content-Type` as the server wrote it, parameters included.
  package var contentType: String
  package var body: [UInt8]
}

extension KubeClient {
  /// Performs one request. A 401 is tried once more where credentials can be had anew.
  /// - Throws: `KubeError.status` for anything but a 2xx.
  package func send(_ request: APIRequest, limits: RequestLimits = .object) async throws(KubeError) -> APIResponse {
    var response = try await exchange(request, limits: limits)
    if response.status == 401, access.canRefreshCredentials {
      access.invalidateCredentials()
      response = try await exchange(request, limits: limits)
    }
    guard (200..<300).contains(response.status) else {
      throw .status(APIStatus(httpStatus: response.status, retryAfter: response.header("Retry-After"), body: response.body))
    }
    return APIResponse(status: response.status, contentType: response.header("Content-Type") ?? "", body: response.body)
  }

  /// Performs one request whose answer is one JSON document.
  func object(_ request: APIRequest, limits: RequestLimits = .object) async throws(KubeError) -> JSONValue {
    let response = try await send(request, limits: limits)
    do {
      return try JSONValue(parsing: response.body)
    } catch {
      throw .decode("the answer to \(request.method) \(request.path), \(response.body.count) bytes of \(response.contentType): \(error)")
    }
  }

  private func exchange(_ request: APIRequest, limits: RequestLimits) async throws(KubeError) -> HTTPResponse {
    let prepared = try await httpRequest(request, limits: limits)
    do {
      let response = try await transport.send(prepared)
      note(request, status: response.status)
      return response
    } catch {
      throw failure(error, of: request)
    }
  }

  /// The request as the transport takes it, with credentials.
  func httpRequest(_ request: APIRequest, limits: RequestLimits) async throws(KubeError) -> HTTPRequest {
    var http = HTTPRequest(url: request.target)
    http.method = request.method
    http.headers = [HTTPHeader(name: "Accept", value: request.accept), HTTPHeader(name: "User-Agent", value: Self.userAgent)]
    if let contentType = request.contentType { http.headers.append(HTTPHeader(name: "Content-Type", value: contentType)) }
    http.body = request.body
    http.deadline = limits.deadline
    http.maximumBodyBytes = limits.maximumBodyBytes
    do {
      try await access.prepare(&http)
    } catch {
      throw .credentials("\(error)")
    }
    return http
  }

  /// One line an exchange, for those who look for it. Neither headers nor bodies are logged, since they hold credentials and Secrets.
  func note(_ request: APIRequest, status: Int) {
    logger.debug("API request", metadata: ["method": "\(request.method)", "target": "\(request.target)", "status": "\(status)"])
  }

  func failure(_ error: HTTPTransportError, of request: APIRequest) -> KubeError {
    let failure = KubeError(error, trying: "\(request.method) \(request.path)")
    logger.debug("API request failed", metadata: ["method": "\(request.method)", "target": "\(request.target)", "error": "\(failure)"])
    return failure
  }

  static let userAgent = "rollcall"
}
