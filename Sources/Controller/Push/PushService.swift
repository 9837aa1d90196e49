internal import Collector
internal import HTTPTransport
internal import Logging
internal import Push
import Roll
import ServiceLifecycle

/// One whom samples are pushed to.
struct PushReceiver: Sendable {
  /// As in metrics and logs.
  var name: String
  var pusher: Pusher
  /// Of the pages of virtual nodes, what it is given.
  var families: FamilyFilter
  /// Bytes on disk; `nil` without a spool.
  var spoolLimit: Int?
}

/// Pushes what is to be pushed. To run beside the server, and to end after the calling of the roll, which feeds it.
package final class PushService: Service {
  let receivers: [PushReceiver]
  /// Takes the pages of virtual nodes; `nil` where they are only served.
  let pages: VirtualNodeFeed?
  /// Takes the socket numbers of Linux nodes; `nil` where nobody is to be given them.
  let sockets: SocketFeed?
  private let logger: Logger
  private let time: any TimeSource

  private static let finishLimit: Duration = .seconds(10)

  /// - Throws: where the spool's folder cannot be used.
  init(settings: ControllerSettings, transport: HTTPTransport, time: any TimeSource, logger: Logger) throws(ControllerError) {
    self.logger = logger
    self.time = time
    var receivers: [PushReceiver] = []
    func add(
      _ name: String, _ push: PushSettings?, families: FamilyFilter, headers: @escaping PushHeaders
    ) throws(ControllerError) -> Pusher? {
      guard let push else { return nil }
      do throws(SpoolError) {
        let pusher = try Pusher(settings: push, transport: transport, headers: headers, logger: logger)
        receivers.append(
          PushReceiver(name: name, pusher: pusher, families: families, spoolLimit: push.spoolFolder == nil ? nil : push.spoolLimit))
        return pusher
      } catch {
        throw .configuration("--push-spool-dir: \(error); does the folder exist, and may we write there?")
      }
    }
    _ = try add("remote_write", settings.remoteWriteSettings, families: .everything, headers: settings.remoteWriteHeaders)
    let falcon = try add("open_falcon", settings.openFalconSettings, families: FamilyFilter(kept: settings.virtualBasic)) { .success([]) }
    self.receivers = receivers
    pages = settings.virtualMode == .serve ? nil : VirtualNodeFeed(receivers, stalenessLimit: settings.virtualStaleness, time: time)
    sockets = falcon.map { SocketFeed(pusher: $0, time: time) }
  }

  /// Pushes until the task is cancelled or the service group shuts it down, and then for a short while what still waits; what is left is
  /// on disk for the next start, if there is a spool.
  package func run() async {
    guard !receivers.isEmpty else { return await cancelWhenGracefulShutdown { await Self.forever() } }
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        for receiver in self.receivers { group.addTask { await receiver.pusher.run() } }
        if let pages = self.pages { group.addTask { await self.endStale(pages) } }
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

  /// To be told of the sockets of a Linux node's pods; `nil` where nobody is to be given them.
  var takeSockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)? {
    guard let sockets else { return nil }
    return { pods, node in sockets.take(pods, of: node) }
  }

  /// Called when another replica leads.
  func forgetAll() {
    pages?.forgetAll()
  }

  private func endStale(_ pages: VirtualNodeFeed) async {
    while !Task.isCancelled {
      // Cancellation ends the sleep, and the loop.
      try? await time.sleep(for: .seconds(5))
      pages.endStale()
    }
  }

  private static func forever() async {
    // A service that ends takes the whole group with it.
    let never = AsyncStream<Never> { _ in }
    for await _ in never {}
  }
}
