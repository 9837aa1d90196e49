internal import FoundationEssentials
internal import LinuxCollector
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1
package import Primitives
package import ProcFS

/// The Docker Engine API of Docker and Podman.
/// Source: https://docs.docker.com/engine/api/, `ContainerList` and `ContainerInspect`. Without a version in the path the engine uses its
/// newest one; the fields read here exist since 1.24.
package struct DockerEngine: ContainerRuntime {
  private let unixSocket: RuntimeSocket

  package init(_ socket: RuntimeSocket) {
    unixSocket = socket
  }

  package var socket: String { unixSocket.path }

  private struct Listed: Decodable {
    var id: String
    var labels: [String: String]?

    enum CodingKeys: String, CodingKey {
      case id = "Id"
      case labels = "Labels"
    }
  }

  private struct Inspected: Decodable {
    struct State: Decodable {
      var pid: Int32
      var isRunning: Bool

      enum CodingKeys: String, CodingKey {
        case pid = "Pid"
        case isRunning = "Running"
      }
    }

    var state: State

    enum CodingKeys: String, CodingKey {
      case state = "State"
    }
  }

  package func containers() throws(ProcFSError) -> [RunningContainer] {
    let response = try get("/containers/json")
    guard response.status == .ok else { throw requestFailed("/containers/json", response) }
    return try decode([Listed].self, response).compactMap { one in
      guard let id = ContainerID(one.id) else { return nil }
      let labels = one.labels ?? [:]
      // The labels of dockershim and cri-dockerd. Outside Kubernetes there are no pause containers.
      let role: ContainerRole = labels["io.kubernetes.docker.type"] == "podsandbox" ? .sandbox : .application
      return RunningContainer(
        id: id, podUID: labels["io.kubernetes.pod.uid"], role: role, sandbox: labels["io.kubernetes.sandbox.id"].flatMap { ContainerID($0) }
      )
    }
  }

  package func process(of id: ContainerID) throws(ProcFSError) -> Int32? {
    let path = "/containers/\(id)/json"
    let response = try get(path)
    if response.status == .notFound { return nil }
    guard response.status == .ok else { throw requestFailed(path, response) }
    let state = try decode(Inspected.self, response).state
    return state.isRunning && state.pid > 0 ? state.pid : nil
  }

  package func process(ofSandbox id: ContainerID) throws(ProcFSError) -> Int32? { try process(of: id) }

  private struct Response: Sendable {
    var status: HTTPResponseStatus
    var body: ByteBuffer
  }

  private func get(_ path: String) throws(ProcFSError) -> Response {
    try unixSocket.exchange(over: { channel in
      try channel.pipeline.syncOperations.addHTTPClientHandlers()
      try channel.pipeline.syncOperations.addHandler(NIOHTTPClientResponseAggregator(maxContentLength: RuntimeSocket.maximumResponseBytes))
    }) { channel, response in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Receiver(response)) }.flatMap {
        // HTTP/1.1 requires a host, which has no meaning on a Unix socket.
        let head = HTTPRequestHead(
          version: .http1_1, method: .GET, uri: path,
          headers: ["Host": "localhost", "Connection": "close", "User-Agent": ProductVersion.userAgent])
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        return channel.writeAndFlush(HTTPClientRequestPart.end(nil))
      }
    }
  }

  private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = NIOHTTPClientResponseFull
    private let response: EventLoopPromise<Response>

    init(_ response: EventLoopPromise<Response>) {
      self.response = response
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let full = unwrapInboundIn(data)
      response.succeed(Response(status: full.head.status, body: full.body ?? ByteBuffer()))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      response.fail(error)
      context.close(promise: nil)
    }
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ response: Response) throws(ProcFSError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: response.body)
    } catch {
      throw unixSocket.unexpected("its response is not that of a Docker Engine API: \(error)")
    }
  }

  private func requestFailed(_ path: String, _ response: Response) -> ProcFSError {
    let text = String(buffer: response.body).prefix(200)
    return unixSocket.unexpected("GET \(path) returned \(response.status.code): \(text); requires Docker Engine API 1.24 or newer")
  }
}
