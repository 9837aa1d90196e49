internal import Glibc
package import NIOCore
internal import NIOPosix
internal import ProcFS

/// The Unix socket of a container runtime. Each request uses its own connection and blocks the calling thread.
package struct RuntimeSocket: Sendable {
  /// A busy runtime takes a second or two to list its containers. The limit leaves time to export the known containers within Prometheus's
  /// default scrape timeout of 10 s.
  package static let defaultDeadline: TimeAmount = .seconds(5)
  /// The list of 2,000 containers with labels and annotations has about 8 MiB.
  static let maximumResponseBytes = 64 << 20

  package let path: String
  let eventLoops: any EventLoopGroup
  let deadline: TimeAmount

  package init(path: String, eventLoops: any EventLoopGroup, deadline: TimeAmount = defaultDeadline) {
    self.path = path
    self.eventLoops = eventLoops
    self.deadline = deadline
  }

  /// Connects, sends a request and blocks until the response or the deadline, then closes the connection.
  /// - Parameters:
  ///   - protocols: adds the protocol's handlers to the new connection.
  ///   - send: sends the request. A handler fulfils the promise with the response.
  func exchange<Response: Sendable>(
    over protocols: @escaping @Sendable (any Channel) throws -> Void,
    _ send: @escaping @Sendable (any Channel, EventLoopPromise<Response>) -> EventLoopFuture<Void>
  ) throws(ProcFSError) -> Response {
    let eventLoop = eventLoops.next()
    let response = eventLoop.makePromise(of: Response.self)
    let limit = eventLoop.scheduleTask(in: deadline) { response.fail(TimedOut()) }
    defer { limit.cancel() }
    do {
      let channel = try ClientBootstrap(group: eventLoop).connectTimeout(deadline)
        .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try protocols(channel) } }
        .connect(unixDomainSocketPath: path).wait()
      defer { channel.close(promise: nil) }
      eventLoop.flatSubmit { send(channel, response) }.cascadeFailure(to: response)
      // Has no effect after the response.
      channel.closeFuture.whenComplete { _ in response.fail(Closed()) }
      return try response.futureResult.wait()
    } catch let error as IOError {
      // NIO asserts that every promise is completed.
      response.fail(error)
      throw .system(.connect, path: path, code: error.errnoCode)
    } catch let error as ProcFSError {
      throw error
    } catch is TimedOut {
      throw .system(.connect, path: path, code: ETIMEDOUT)
    } catch is Closed {
      throw unexpected("closed the connection before the end of its response")
    } catch {
      response.fail(error)
      throw unexpected("\(error)")
    }
  }

  func unexpected(_ reason: String) -> ProcFSError {
    .unexpectedResponse(path: path, reason: reason)
  }

  private struct TimedOut: Error {}
  private struct Closed: Error {}
}
