internal import CCurl
internal import Glibc

/// Everything that happens on the transport's thread: takes commands, lets libcurl work where sockets are ready, keeps the clocks, ends transfers.
///
/// Made on the caller's thread, then handed to its own and used by nobody else.
final class TransferLoop {
  private let configuration: HTTPTransportConfiguration
  private let mailbox: Mailbox
  private let poller: Poller
  private let multi: CurlMulti
  private var waiting: [(prepared: PreparedRequest, exchange: Exchange)] = []
  private var running: [ObjectIdentifier: Transfer] = [:]
  private var runningByHandle: [UnsafeMutableRawPointer: Transfer] = [:]
  private let news = TransferNews()
  /// No deadline and no idle timeout ends before it; clocks are looked at one by one only when it has come.
  private var nextCheck: ContinuousClock.Instant?

  init(configuration: HTTPTransportConfiguration, mailbox: Mailbox) throws(HTTPTransportError) {
    self.configuration = configuration
    self.mailbox = mailbox
    poller = try Poller()
    multi = try CurlMulti(connectionCacheSize: configuration.connectionCacheSize, poller: poller)
    poller.watch(mailbox.wakeDescriptor, reading: true, writing: false)
  }

  /// Runs until the mailbox is closed; then every transfer has ended with `.shutDown`.
  func run() {
    while true {
      poller.wait(until: [multi.timerDue, nextCheck].compactMap(\.self).min()) { watched, isReadable, isWritable, isBroken in
        guard watched != mailbox.wakeDescriptor else { return }
        multi.act(on: watched, isReadable: isReadable, isWritable: isWritable, isBroken: isBroken)
        pace(watched)
      }
      multi.fireTimer(at: .now)
      endFinished()
      let (commands, isClosed) = mailbox.takeAll()
      for command in commands { obey(command) }
      if isClosed { return endAll() }
      news.wakeReaders()
      checkClocks()
      startWaiting()
    }
  }

  /// Leaves the socket of a busy stream alone for a moment, where its reader prefers batches and nothing is left to read.
  private func pace(_ socket: Int32) {
    guard let reader = multi.reader(of: socket), let transfer = runningByHandle[reader] else { return }
    guard transfer.prepared.request.readsInBatches else { return }
    let now = ContinuousClock.now
    if transfer.isBusy(at: now), SocketState.isEmpty(socket) { poller.rest(socket, until: now + ReadPacing.rest) }
  }

  private func obey(_ command: Mailbox.Command) {
    switch command {
    case .start(let prepared, let exchange):
      waiting.append((prepared, exchange))
      consider(prepared.deadline)
    case .cancel(let exchange):
      waiting.removeAll { $0.exchange === exchange }
      if let transfer = running[ObjectIdentifier(exchange)] { remove(transfer) }
    case .resume(let exchange):
      guard let transfer = running[ObjectIdentifier(exchange)] else { return }
      let code = transfer.resume()
      if code != CURLE_OK { end(transfer, transfer.outcome(of: code)) } else { consider(transfer.idleEnd) }
    }
  }

  private func startWaiting() {
    let count = min(waiting.count, configuration.maximumTransfers - running.count)
    guard count > 0 else { return }
    let next = waiting.prefix(count)
    waiting.removeFirst(count)
    for (prepared, exchange) in next { start(prepared, exchange) }
  }

  private func start(_ prepared: PreparedRequest, _ exchange: Exchange) {
    do {
      let transfer = try Transfer(prepared, exchange, headerLimit: configuration.maximumHeaderBytes, news: news)
      let code = multi.add(transfer.easy)
      guard code == CURLM_OK else {
        exchange.finish(.failed(.setUp("\(prepared.label.request): \(String(cString: curl_multi_strerror(code)))")))
        return
      }
      running[ObjectIdentifier(exchange)] = transfer
      runningByHandle[transfer.easy.handle] = transfer
      consider(transfer.idleEnd)
    } catch {
      exchange.finish(.failed(.setUp("\(prepared.label.request): \(error.reason)")))
    }
  }

  private func endFinished() {
    while let (handle, code) = multi.nextFinished() {
      guard let transfer = runningByHandle[handle] else { continue }
      end(transfer, transfer.outcome(of: code))
    }
  }

  /// Its connection is free, or closed, before anybody learns of the outcome.
  private func end(_ transfer: Transfer, _ outcome: Exchange.Outcome) {
    remove(transfer)
    transfer.exchange.finish(outcome)
  }

  private func remove(_ transfer: Transfer) {
    multi.remove(transfer.easy)
    running[ObjectIdentifier(transfer.exchange)] = nil
    runningByHandle[transfer.easy.handle] = nil
  }

  private func endAll() {
    for transfer in running.values { end(transfer, .failed(Self.shutDown(transfer.prepared))) }
    for (prepared, exchange) in waiting { exchange.finish(.failed(Self.shutDown(prepared))) }
    waiting = []
  }

  private static func shutDown(_ prepared: PreparedRequest) -> HTTPTransportError {
    .shutDown(prepared.label.because("it was under way"))
  }

  // MARK: Clocks

  private func consider(_ moment: ContinuousClock.Instant?) {
    guard let moment else { return }
    nextCheck = nextCheck.map { min($0, moment) } ?? moment
  }

  /// Ends what is over, and finds out when to look again. An idle timeout moves on with each byte, which is only noticed here.
  private func checkClocks() {
    let now = ContinuousClock.now
    guard let nextCheck, nextCheck <= now else { return }
    self.nextCheck = nil
    for transfer in running.values {
      if let deadline = transfer.prepared.deadline, deadline <= now {
        end(transfer, .failed(transfer.timeout()))
      } else if let idleEnd = transfer.idleEnd, idleEnd <= now {
        end(transfer, .failed(transfer.idleTimeout()))
      } else {
        consider(transfer.prepared.deadline)
        consider(transfer.idleEnd)
      }
    }
    waiting.removeAll { prepared, exchange in
      guard let deadline = prepared.deadline, deadline <= now else { return false }
      let reason = "all \(configuration.maximumTransfers) transfers in flight were taken"
      exchange.finish(.failed(.timeout(.queue, prepared.label.because(reason))))
      return true
    }
    for (prepared, _) in waiting { consider(prepared.deadline) }
  }
}
