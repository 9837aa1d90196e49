internal import Collector
internal import HTTPTransport
internal import Logging
internal import Push
import Roll
import ServiceLifecycle

/// What is pushed, and to which receivers.
struct PushServiceSettings: Sendable {
  struct Receiver: Sendable {
    var push: PushSettings
    /// The families of virtual nodes that the receiver is sent.
    var families: FamilyFilter
    /// A file of HTTP headers for each request.
    var headersFile: String?
  }

  /// By Prometheus remote write.
  var remoteWrite: Receiver?
  /// An Open-Falcon agent, which is also sent the sockets of Linux pods.
  var openFalcon: Receiver?
  /// How long a pod of a virtual node may be silent before its series end; `nil` if virtual nodes are not pushed.
  var virtualStaleness: Duration?
}

/// A receiver with the queue in front of it.
struct PushReceiver: Sendable {
  /// As in metrics and logs.
  var name: String
  var pusher: Pusher
  /// The families of virtual nodes that the receiver is sent.
  var families: FamilyFilter
  /// Bytes on disk; `nil` without a spool.
  var spoolLimit: Int?

  /// - Throws: if the folder of the spool cannot be used.
  fileprivate init(
    name: String, settings: PushServiceSettings.Receiver, transport: HTTPTransport, logger: Logger
  ) throws(ControllerError) {
    self.name = name
    families = settings.families
    spoolLimit = settings.push.spoolFolder == nil ? nil : settings.push.spoolLimit
    do throws(SpoolError) {
      pusher = try Pusher(settings: settings.push, transport: transport, headers: Self.headers(settings.headersFile), logger: logger)
    } catch {
      throw .configuration("--push-spool-dir: \(error); does the folder exist, and may we write there?")
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

/// Pushes samples to the receivers. Runs beside the server, and ends after the node tasks that feed it.
package final class PushService: Service {
  let receivers: [PushReceiver]
  /// Takes the scrapes of virtual nodes; `nil` if they are only served.
  let virtualNodes: VirtualNodeFeed?
  /// Takes the sockets of Linux pods; `nil` if no receiver is sent them.
  let sockets: SocketFeed?
  private let logger: Logger
  private let time: any TimeSource

  private static let finishLimit: Duration = .seconds(10)

  /// - Throws: if the folder of the spool cannot be used.
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

  /// Pushes until the task is cancelled or the service group shuts down, then drains the queues for a short while. With a spool the rest
  /// stays on disk for the next start.
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
        level: isKept ? .notice : .warning, isKept ? "samples wait on disk for the next start" : "samples are lost for want of a spool",
        metadata: ["receiver": "\(receiver.name)", "samples": "\(statistics.waiting)"])
    }
  }

  /// Receives the sockets of a Linux node's pods; `nil` if no receiver is sent them.
  var takeSockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)? {
    guard let sockets else { return nil }
    return { pods, node in sockets.take(pods, of: node) }
  }

  /// Called when another replica leads.
  func forgetAll() {
    virtualNodes?.forgetAll()
  }

  private func endStale(_ feed: VirtualNodeFeed) async {
    while !Task.isCancelled {
      // Cancellation ends the sleep, and the loop.
      try? await time.sleep(for: .seconds(5))
      feed.endStale()
    }
  }

  private static func forever() async {
    // A service that ends takes the whole group with it.
    let never = AsyncStream<Never> { _ in }
    for await _ in never {}
  }
}
