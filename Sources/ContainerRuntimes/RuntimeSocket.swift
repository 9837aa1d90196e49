internal import Glibc
package import NIOCore
internal import NIOPosix
internal import ProcFS

/// The Unix socket of a container runtime, for one short exchange after the other. Its callers wait: they are on a thread that may.
package struct RuntimeSocket: Sendable {
  /// A busy runtime on a busy node takes a second or two to list its containers. Prometheus gives a scrape 10 s by default, within which the
  /// numbers of the containers that are known are to come.
  package static let defaultDeadline: TimeAmount = .seconds(5)
  /// The list of 2,000 containers with their labels and annotations has about 8 MiB.
  static let maximumAnswerBytes = 64 << 20

  package let path: String
  let eventLoops: any EventLoopGroup
  let deadline: TimeAmount

  package init(path: String, eventLoops: any EventLoopGroup, deadline: TimeAmount = defaultDeadline) {
    self.path = path
    self.eventLoops = eventLoops
    self.deadline = deadline
  }

  /// Connects, asks, and closes the connection when the answer is there or the deadline has passed.
  /// - Parameters:
  ///   - protocols: adds the handlers of the protocol to the new connection.
  ///   - ask: sends the request; whoever receives the answer keeps the promise.
  func exchange<Answer: Sendable>(
    over protocols: @escaping @Sendable (any Channel) throws -> Void,
    _ ask: @escaping @Sendable (any Channel, EventLoopPromise<Answer>) -> EventLoopFuture<Void>
  ) throws(ProcFSError) -> Answer {
    let eventLoop = eventLoops.next()
    let answer = eventLoop.makePromise(of: Answer.self)
    let limit = eventLoop.scheduleTask(in: deadline) { answer.fail(TimedOut()) }
    defer { limit.cancel() }
    do {
      let channel = try ClientBootstrap(group: eventLoop).connectTimeout(deadline)
        .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try protocols(channel) } }
        .connect(unixDomainSocketPath: path).wait()
      defer { channel.close(promise: nil) }
      eventLoop.flatSubmit { ask(channel, answer) }.cascadeFailure(to: answer)
      // Whoever closes before the answer is whole has failed.
      channel.closeFuture.whenComplete { _ in answer.fail(Closed()) }
      return try answer.futureResult.wait()
    } catch let error as IOError {
      // A promise that nobody waits for is a mistake to NIO.
      answer.fail(error)
      throw .system(.connect, path: path, code: error.errnoCode)
    } catch let error as ProcFSError {
      throw error
    } catch is TimedOut {
      throw .system(.connect, path: path, code: ETIMEDOUT)
    } catch is Closed {
      throw unexpected("closed the connection before its answer was whole")
    } catch {
      answer.fail(error)
      throw unexpected("\(error)")
    }
  }

  func unexpected(_ reason: String) -> ProcFSError {
    .unexpectedResponse(path: path, reason: reason)
  }

  private struct TimedOut: Error {}
  private struct Closed: Error {}
}
