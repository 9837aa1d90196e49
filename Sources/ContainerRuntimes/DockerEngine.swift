internal import FoundationEssentials
package import LinuxCollector
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1
package import ProcFS

/// The Docker Engine API, as Docker and Podman serve it.
/// Source: https://docs.docker.com/engine/api/, `ContainerList` and `ContainerInspect`. Without a version in the path the engine takes its
/// newest one; what is read here is in all since 1.24.
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
    let answer = try get("/containers/json")
    guard answer.status == .ok else { throw refused("/containers/json", answer) }
    return try decode([Listed].self, answer).compactMap { one in
      guard let id = ContainerID(one.id) else { return nil }
      let labels = one.labels ?? [:]
      // The labels of dockershim and cri-dockerd. Outside of Kubernetes there are no pause containers.
      let role: ContainerRole = labels["io.kubernetes.docker.type"] == "podsandbox" ? .sandbox : .application
      return RunningContainer(id: id, podUID: labels["io.kubernetes.pod.uid"], role: role)
    }
  }

  package func process(of id: ContainerID) throws(ProcFSError) -> Int32? {
    let path = "/containers/\(id)/json"
    let answer = try get(path)
    if answer.status == .notFound { return nil }
    guard answer.status == .ok else { throw refused(path, answer) }
    let state = try decode(Inspected.self, answer).state
    return state.isRunning && state.pid > 0 ? state.pid : nil
  }

  private struct Answer: Sendable {
    var status: HTTPResponseStatus
    var body: ByteBuffer
  }

  private func get(_ path: String) throws(ProcFSError) -> Answer {
    try unixSocket.exchange(over: { channel in
      try channel.pipeline.syncOperations.addHTTPClientHandlers()
      try channel.pipeline.syncOperations.addHandler(NIOHTTPClientResponseAggregator(maxContentLength: RuntimeSocket.maximumAnswerBytes))
    }) { channel, answer in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Receiver(answer)) }.flatMap {
        // The name is of no meaning on a Unix socket; HTTP/1.1 wants one.
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: ["Host": "localhost", "Connection": "close"])
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        return channel.writeAndFlush(HTTPClientRequestPart.end(nil))
      }
    }
  }

  private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = NIOHTTPClientResponseFull
    private let answer: EventLoopPromise<Answer>

    init(_ answer: EventLoopPromise<Answer>) {
      self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let response = unwrapInboundIn(data)
      answer.succeed(Answer(status: response.head.status, body: response.body ?? ByteBuffer()))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      answer.fail(error)
      context.close(promise: nil)
    }
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ answer: Answer) throws(ProcFSError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: answer.body)
    } catch {
      throw unixSocket.unexpected("its answer is not that of a Docker Engine API: \(error)")
    }
  }

  private func refused(_ path: String, _ answer: Answer) -> ProcFSError {
    let text = String(buffer: answer.body).prefix(200)
    return unixSocket.unexpected("GET \(path) was answered \(answer.status.code): \(text); a Docker Engine API of 1.24 or newer is needed")
  }
}
