internal import Collector
internal import HTTPTransport
internal import Logging
internal import Push
import Roll
import ServiceLifecycle

/// The receivers of pushed samples, and what each one gets.
struct PushServiceSettings: Sendable {
  struct Receiver: Sendable {
    var push: PushSettings
    /// The metric families of virtual nodes to send.
    var families: FamilyFilter
    /// A file of HTTP headers to add to each request.
    var headersFile: String?
  }

  /// A receiver of Prometheus remote write; `nil` if there is none.
  var remoteWrite: Receiver?
  /// An Open-Falcon agent. It also gets the socket counts of Linux pods.
  var openFalcon: Receiver?
  /// The series of a virtual node's pod end after this time without a scrape; `nil` if virtual nodes are not pushed.
  var virtualStaleness: Duration?
}

/// A receiver and its queue.
struct PushReceiver: Sendable {
  /// The name in metrics and logs.
  var name: String
  var pusher: Pusher
  /// The metric families of virtual nodes to send.
  var families: FamilyFilter
  /// In bytes; `nil` without a spool.
  var spoolLimit: Int?

  /// - Throws: `ControllerError` if the spool folder cannot be used.
  fileprivate init(
    name: String, settings: PushServiceSettings.Receiver, transport: HTTPTransport, logger: Logger
  ) throws(ControllerError) {
    self.name = name
    families = settings.families
    spoolLimit = settings.push.spoolFolder == nil ? nil : settings.push.spoolLimit
    do throws(SpoolError) {
      pusher = try Pusher(settings: settings.push, transport: transport, headers: Self.headers(settings.headersFile), logger: logger)
    } catch {
      throw .configuration("--push-spool-dir: \(error); check that the folder exists and is writable")
    }
  }

  private static func headers(_ path: String?) -> PushHeaders {
    guard let path else { return { .success([]) } }
    let file = HeadersFile(path: path)
    return {
      do throws(Miss) {
        return .success(try file.headers())
      } catch {
        return .failure(PushHeadersError(error.detail))
      }
    }
  }
}

/// Pushes samples to the receivers. Must outlive the node tasks that feed it.
package final class PushService: Service {
  let receivers: [PushReceiver]
  /// Receives the scrapes of virtual nodes; `nil` if they are only served.
  let virtualNodes: VirtualNodeFeed?
  /// Receives the socket counts of Linux pods; `nil` if no receiver gets them.
  let sockets: SocketFeed?
  private let logger: Logger
  private let time: any TimeSource

  private static let finishLimit: Duration = .seconds(10)

  /// - Throws: `ControllerError` if the spool folder cannot be used.
  init(settings: PushServiceSettings, transport: HTTPTransport, time: any TimeSource, logger: Logger) throws(ControllerError) {
    self.logger = logger
    self.time = time
    var receivers: [PushReceiver] = []
    if let remoteWrite = settings.remoteWrite {
      receivers.append(try PushReceiver(name: "remote_write", settings: remoteWrite, transport: transport, logger: logger))
    }
    if let openFalcon = settings.openFalcon {
      let receiver = try PushReceiver(name: "open_falcon", settings: openFalcon, transport: transport, logger: logger)
      receivers.append(receiver)
      sockets = SocketFeed(pusher: receiver.pusher, time: time)
    } else {
      sockets = nil
    }
    self.receivers = receivers
    virtualNodes = settings.virtualStaleness.map { VirtualNodeFeed(receivers, stalenessLimit: $0, time: time) }
  }

  /// Pushes until the task is cancelled or the service group shuts down, then drains the queues for up to 10 s. With a spool, remaining
  /// samples stay on disk for the next start; otherwise they are dropped.
  package func run() async {
    guard !receivers.isEmpty else { return await cancelWhenGracefulShutdown { await Self.forever() } }
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        for receiver in self.receivers { group.addTask { await receiver.pusher.run() } }
        if let feed = self.virtualNodes { group.addTask { await self.endStale(feed) } }
      }
    }
    await withDiscardingTaskGroup { group in
      for receiver in receivers { group.addTask { await receiver.pusher.finish(within: Self.finishLimit) } }
    }
    for receiver in receivers {
      let statistics = receiver.pusher.statistics
      guard statistics.waiting > 0 else { continue }
      let isKept = statistics.memoryBytes == 0
      logger.log(
        level: isKept ? .notice : .warning,
        isKept ? "unsent samples kept on disk for the next start" : "unsent samples dropped at shutdown",
        metadata: ["receiver": "\(receiver.name)", "samples": "\(statistics.waiting)"])
    }
  }

  /// Receives the socket counts of a Linux node's pods; `nil` if no receiver gets them.
  var takeSockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)? {
    guard let sockets else { return nil }
    return { pods, node in sockets.take(pods, of: node) }
  }

  /// Called when another replica takes the lead.
  func forgetAll() {
    virtualNodes?.forgetAll()
  }

  private func endStale(_ feed: VirtualNodeFeed) async {
    while !Task.isCancelled {
      await time.pause(for: .seconds(5))
      feed.endStale()
    }
  }

  private static func forever() async {
    // A service group shuts down when one of its services returns.
    let never = AsyncStream<Never> { _ in }
    for await _ in never {}
  }
}
