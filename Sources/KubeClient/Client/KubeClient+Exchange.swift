internal import HTTPTransport
internal import JSON
internal import Logging

/// The API server's answer, whole.
package struct APIResponse: Sendable {
  /// The HTTP status code, a 2xx.
  package var status: Int
  /// `Content-Type` as the server wrote it, parameters included.
  package var contentType: String
  /// The header `Date`; of an answer that the API server hands on, by the clock of who made it.
  package var date: String?
  /// In the format of `contentType`.
  package var body: [UInt8]
}

extension KubeClient {
  /// Performs one request. A 401 is tried once more where credentials can be had anew.
  /// - Throws: `KubeError.status` for anything but a 2xx.
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

  /// Performs one request whose answer is one JSON document.
  func object(_ request: APIRequest, limits: RequestLimits = .object) async throws(KubeError) -> JSONValue {
    let response = try await send(request, limits: limits)
    do {
      return try JSONValue(parsing: response.body)
    } catch {
      throw .decode("the answer to \(request.method) \(request.path), \(response.body.count) bytes of \(response.contentType): \(error)")
    }
  }

  /// Opens a stream that lasts as long as `limits` allow.
  /// - Throws: `KubeError.status` for anything but a 2xx.
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

  /// Tries once, and once more after a 401 if there are other credentials now.
  private func authorized<Answer>(
    _ request: APIRequest, _ limits: RequestLimits, _ attempt: (HTTPRequest) async throws(KubeError) -> (status: Int, answer: Answer)
  ) async throws(KubeError) -> Answer {
    let prepared = try await prepared(request, limits)
    let first = try await attempt(prepared)
    guard first.status == 401, access.canRefreshCredentials else { return first.answer }
    access.refuseCredentials(of: prepared)
    let fresh = try await self.prepared(request, limits)
    // The same credentials would be refused again.
    guard fresh.headers != prepared.headers || fresh.tls != prepared.tls else { return first.answer }
    return try await attempt(fresh).answer
  }

  /// The request as the transport takes it, with credentials.
  private func prepared(_ request: APIRequest, _ limits: RequestLimits) async throws(KubeError) -> HTTPRequest {
    var http = HTTPRequest(method: request.method, url: request.target, body: request.body, deadline: limits.deadline)
    http.headers = [HTTPHeader("Accept", request.accept), HTTPHeader("User-Agent", Self.userAgent)]
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

  /// One line an exchange, for those who look for it. Neither headers nor bodies are logged, since they hold credentials and Secrets.
  private func log(_ request: APIRequest, status: Int) {
    logger.debug("API request", metadata: ["method": "\(request.method)", "target": "\(request.target)", "status": "\(status)"])
  }

  private func failure(_ error: HTTPTransportError, of request: APIRequest) -> KubeError {
    logger.debug("API request failed", metadata: ["method": "\(request.method)", "target": "\(request.target)", "error": "\(error)"])
    return KubeError(error)
  }

  /// Who asks, for the API server's audit log.
  static let userAgent = "rollcall"
}
