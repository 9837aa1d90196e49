import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore

/// Serves until the task is cancelled.
func serve(
  _ responder: APIResponder, configuration: SimulatorConfiguration, logger: Logger, onListening: @escaping @Sendable (Int) -> Void
) async throws {
  // Hummingbird logs clients that are still connected at shutdown as errors. It throws everything that keeps it from serving.
  var quietLogger = logger
  quietLogger.logLevel = .critical
  let application = Application(
    responder: responder,
    configuration: ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port), serverName: nil),
    onServerRunning: { channel in onListening(channel.localAddress?.port ?? configuration.port) },
    logger: quietLogger)
  try await application.runEndingInOrder()
}

/// The HTTP side of the server: converts requests to `APIRequest` and `APIResponse` to responses.
struct APIResponder: HTTPResponder {
  typealias Context = BasicRequestContext

  var handler: APIHandler
  var reviews: ReviewHandler
  var bearerToken: String?
  var faults: FaultInjector
  var logger: Logger

  /// The real server's limit on the body of a request.
  private static let maximumBodyBytes = 3 * 1_024 * 1_024

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    var apiRequest = APIRequest(method: request.method.rawValue, target: request.head.path ?? "/")
    apiRequest.accept = request.headers[values: .accept].joined(separator: ",")
    apiRequest.contentType = request.headers[.contentType] ?? ""
    apiRequest.userAgent = request.headers[.userAgent] ?? ""
    apiRequest.authorization = request.headers[.authorization] ?? ""
    do throws(APIFailure) {
      if request.method != .get { apiRequest.body = try await body(of: request) }
      return response(try apiResponse(to: apiRequest), for: request)
    } catch {
      logger.debug(
        "request refused",
        metadata: [
          "method": "\(apiRequest.method)", "path": "\(request.head.path ?? "")", "status": "\(error.code)", "message": "\(error.message)",
        ])
      return response(error, accept: apiRequest.accept)
    }
  }

  private func body(of request: Request) async throws(APIFailure) -> [UInt8] {
    do {
      return Array(try await request.body.collect(upTo: Self.maximumBodyBytes).readableBytesView)
    } catch {
      throw APIFailure(code: 413, reason: "RequestEntityTooLarge", message: "the body of the request is too large or incomplete: \(error)")
    }
  }

  private func apiResponse(to request: APIRequest) throws(APIFailure) -> APIResponse {
    if let bearerToken, request.authorization != "Bearer \(bearerToken)" {
      throw APIFailure(code: 401, reason: "Unauthorized", message: "Unauthorized")
    }
    if let response = Discovery.response(to: request) { return response }
    if let response = try reviews.response(to: request, now: Date()) { return response }
    guard let path = ResourcePath(request.path) else { throw .noSuchResource }
    guard let verb = Verb(request, on: path) else {
      throw APIFailure(code: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on the requested resource")
    }
    try faults.admit(verb, path.kind.qualifiedPlural, path.name)
    return try handler.response(to: request, verb: verb, on: path, now: Date())
  }

  private func response(_ response: APIResponse, for request: Request) -> Response {
    switch response {
    case .whole(let status, let contentType, let body):
      return Response(
        status: .init(code: status), headers: [.contentType: contentType], body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    case .list(let page, let encoder):
      return Response(
        status: .ok, headers: [.contentType: encoder.form.contentType],
        body: ResponseBody { writer in
          try await encoder.list(page) { try await writer.write(ByteBuffer(bytes: $0)) }
          try await writer.finish(nil)
        })
    case .watch(let session):
      return Response(
        status: .ok, headers: [.contentType: session.contentType],
        body: ResponseBody { writer in
          // Only the closed inbound side shows that a client has gone.
          try await request.body.consumeWithCancellationOnInboundClose { _ in
            try await session.run { try await writer.write(ByteBuffer(bytes: $0)) }
          }
          try await writer.finish(nil)
        })
    }
  }

  private func response(_ failure: APIFailure, accept: String) -> Response {
    let speaksProtobuf = (try? ResponseForm.negotiated(accept, kind: ResourceTable.pods))?.encoding == .protobuf
    let encoding: ResponseForm.Encoding = speaksProtobuf ? .protobuf : .json
    var headers: HTTPFields = [.contentType: ResponseForm(encoding: encoding).contentType]
    if let seconds = failure.retryAfterSeconds, seconds > 0 { headers[.retryAfter] = String(seconds) }
    if failure.code == 401 { headers[.wwwAuthenticate] = "Bearer" }
    return Response(
      status: .init(code: failure.code), headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: ObjectEncoder.failure(failure, encoding: encoding))))
  }
}
