internal import HTTPTransport
internal import JSON
internal import Logging

/// A complete response of the API server.
package struct APIResponse: Sendable {
  /// A 2xx.
  package var status: Int
  /// `Content-Type` as the server wrote it, with its parameters.
  package var contentType: String
  /// The header `Date`. If the API server proxies the response, it is the date of the origin.
  package var date: String?
  /// In the format that `contentType` names.
  package var body: [UInt8]
}

extension KubeClient {
  /// Performs one request. Retries once after a 401 if the credentials can be refreshed.
  /// - Throws: `KubeError.status` unless the response is a 2xx.
  package func send(_ request: APIRequest, limits: RequestLimits = .object) async throws(KubeError) -> APIResponse {
    let response = try await authorized(request, limits) { prepared async throws(KubeError) in
      do throws(HTTPTransportError) {
        let response = try await self.transport.send(prepared)
        self.log(request, status: response.status)
        return (response.status, response)
      } catch {
        throw self.failure(error, of: request)
      }
    }
    guard (200..<300).contains(response.status) else {
      throw .status(APIStatus(httpStatus: response.status, retryAfter: response.header("Retry-After"), body: response.body))
    }
    return APIResponse(
      status: response.status, contentType: response.header("Content-Type") ?? "", date: response.header("Date"), body: response.body)
  }

  /// Performs one request and parses the JSON response.
  func object(_ request: APIRequest, limits: RequestLimits = .object) async throws(KubeError) -> JSONValue {
    let response = try await send(request, limits: limits)
    do {
      return try JSONValue(parsing: response.body)
    } catch {
      throw .decode("the response to \(request.method) \(request.path), \(response.body.count) bytes of \(response.contentType): \(error)")
    }
  }

  /// Opens a stream for as long as `limits` allow.
  /// - Throws: `KubeError.status` unless the response is a 2xx.
  func open(_ request: APIRequest, limits: RequestLimits) async throws(KubeError) -> HTTPStream {
    let stream = try await authorized(request, limits) { prepared async throws(KubeError) in
      do throws(HTTPTransportError) {
        let stream = try await self.transport.open(prepared)
        self.log(request, status: stream.status)
        return (stream.status, stream)
      } catch {
        throw self.failure(error, of: request)
      }
    }
    guard (200..<300).contains(stream.status) else {
      let body: [UInt8]
      do throws(HTTPTransportError) {
        body = try await stream.body.collect(upTo: RequestLimits.object.maximumBodyBytes)
      } catch {
        throw failure(error, of: request)
      }
      throw .status(APIStatus(httpStatus: stream.status, retryAfter: stream.header("Retry-After"), body: body))
    }
    return stream
  }

  /// Makes one attempt, and a second one after a 401 if the credentials have changed.
  private func authorized<Response>(
    _ request: APIRequest, _ limits: RequestLimits, _ attempt: (HTTPRequest) async throws(KubeError) -> (status: Int, response: Response)
  ) async throws(KubeError) -> Response {
    let prepared = try await prepared(request, limits)
    let first = try await attempt(prepared)
    guard first.status == 401, access.canRefreshCredentials else { return first.response }
    access.refuseCredentials(of: prepared)
    let fresh = try await self.prepared(request, limits)
    // The same credentials would be refused again.
    guard fresh.headers != prepared.headers || fresh.tls != prepared.tls else { return first.response }
    return try await attempt(fresh).response
  }

  /// Converts a request for the transport and adds credentials.
  private func prepared(_ request: APIRequest, _ limits: RequestLimits) async throws(KubeError) -> HTTPRequest {
    var http = HTTPRequest(method: request.method, url: request.target, body: request.body, deadline: limits.deadline)
    http.headers = [HTTPHeader("Accept", request.accept)]
    if let contentType = request.contentType { http.headers.append(HTTPHeader("Content-Type", contentType)) }
    http.maximumBodyBytes = limits.maximumBodyBytes
    http.receiveBufferBytes = limits.receiveBufferBytes
    http.readsInBatches = limits.readsInBatches
    do {
      try await access.prepare(&http)
    } catch {
      if case .cancelled = error { throw .cancelled }
      throw .credentials("\(error)")
    }
    return http
  }

  /// Headers and bodies are never logged, since they hold credentials and Secrets.
  private func log(_ request: APIRequest, status: Int) {
    logger.debug("API request", metadata: ["method": "\(request.method)", "target": "\(request.target)", "status": "\(status)"])
  }

  private func failure(_ error: HTTPTransportError, of request: APIRequest) -> KubeError {
    logger.debug("API request failed", metadata: ["method": "\(request.method)", "target": "\(request.target)", "error": "\(error)"])
    return KubeError(error)
  }
}
