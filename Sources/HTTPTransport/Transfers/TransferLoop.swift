internal import CCurl
internal import Glibc

/// The event loop of the transport's thread: runs commands, drives libcurl's sockets and timers, enforces deadlines, and finishes
/// transfers.
///
/// Created on the caller's thread, and from `start` on used by its own thread only.
final class TransferLoop {
  private let configuration: HTTPTransportConfiguration
  private let mailbox: Mailbox
  private let poller: Poller
  private let multi: CurlMulti
  private var waiting: [(prepared: PreparedRequest, exchange: Exchange)] = []
  private var running: [ObjectIdentifier: Transfer] = [:]
  private var runningByHandle: [UnsafeMutableRawPointer: Transfer] = [:]
  private let wakeups = ReaderWakeups()
  private let decoders = DecoderPool()
  /// No deadline or idle timeout expires before this time, so that transfers are not checked one by one until then.
  private var nextCheck: ContinuousClock.Instant?

  init(configuration: HTTPTransportConfiguration, mailbox: Mailbox) throws(HTTPTransportError) {
    self.configuration = configuration
    self.mailbox = mailbox
    poller = try Poller()
    multi = try CurlMulti(connectionCacheSize: configuration.connectionCacheSize, poller: poller)
    poller.watch(mailbox.wakeDescriptor, reading: true, writing: false)
  }

  /// Runs until the mailbox is closed, then ends all transfers with `.shutDown`.
  func run() {
    while true {
      poller.wait(until: [multi.timerDue, nextCheck].compactMap(\.self).min()) { watched, isReadable, isWritable, isBroken in
        guard watched != mailbox.wakeDescriptor else { return }
        multi.perform(on: watched, isReadable: isReadable, isWritable: isWritable, isBroken: isBroken)
        pace(watched)
      }
      multi.fireTimer(at: .now)
      endFinished()
      let (commands, isClosed) = mailbox.takeAll()
      for command in commands { perform(command) }
      if isClosed { return endAll() }
      wakeups.wakeReaders()
      checkClocks()
      startWaiting()
    }
  }

  /// Suspends reading from a busy stream if the request allows batches and the socket has been drained.
  private func pace(_ socket: Int32) {
    guard let reader = multi.reader(of: socket), let transfer = runningByHandle[reader] else { return }
    guard transfer.prepared.request.readsInBatches else { return }
    let now = ContinuousClock.now
    if transfer.isBusy(at: now), SocketState.isEmpty(socket) { poller.suspendReading(of: socket, until: now + ReadPacing.pause) }
  }

  private func perform(_ command: Mailbox.Command) {
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
      let transfer = try Transfer(prepared, exchange, headerLimit: configuration.maximumHeaderBytes, wakeups: wakeups, decoders: decoders)
      let code = multi.add(transfer.easy)
      guard code == CURLM_OK else {
        exchange.finish(.failed(.setUp("\(prepared.label.request): \(String(cString: curl_multi_strerror(code)))")))
        return
      }
      running[ObjectIdentifier(exchange)] = transfer
      runningByHandle[transfer.easy.handle] = transfer
      consider(transfer.idleEnd)
      consider(transfer.end)
    } catch {
      exchange.finish(.failed(.setUp("\(prepared.label.request): \(error.reason)")))
    }
  }

  private func endFinished() {
    while let (handle, code) = multi.nextFinished() {
      guard let transfer = runningByHandle[handle] else { continue }
      transfer.isAccepted = multi.isAccepted(transfer.easy)
      end(transfer, transfer.outcome(of: code))
    }
  }

  /// Releases or closes the connection before it publishes the outcome.
  private func end(_ transfer: Transfer, _ outcome: Exchange.Outcome) {
    remove(transfer)
    transfer.exchange.finish(outcome)
  }

  private func remove(_ transfer: Transfer) {
    multi.remove(transfer.easy)
    transfer.release()
    running[ObjectIdentifier(transfer.exchange)] = nil
    runningByHandle[transfer.easy.handle] = nil
  }

  private func endAll() {
    for transfer in running.values { end(transfer, .failed(Self.shutDown(transfer.prepared))) }
    for (prepared, exchange) in waiting { exchange.finish(.failed(Self.shutDown(prepared))) }
    waiting = []
  }

  private static func shutDown(_ prepared: PreparedRequest) -> HTTPTransportError {
    .shutDown(prepared.label.because("the request was in flight"))
  }

  // MARK: Timeouts

  private func consider(_ moment: ContinuousClock.Instant?) {
    guard let moment else { return }
    nextCheck = nextCheck.map { min($0, moment) } ?? moment
  }

  /// Ends expired transfers and computes the time of the next check. Deadlines of idle transfers and of bodies move, and are updated only
  /// here.
  private func checkClocks() {
    let now = ContinuousClock.now
    guard let nextCheck, nextCheck <= now else { return }
    self.nextCheck = nil
    for transfer in running.values {
      if let last = transfer.end, last <= now {
        transfer.isAccepted = multi.isAccepted(transfer.easy)
        end(transfer, transfer.outcomeAtDeadline())
      } else if let idleEnd = transfer.idleEnd, idleEnd <= now {
        end(transfer, transfer.outcomeWhenIdle())
      } else {
        consider(transfer.end)
        consider(transfer.idleEnd)
      }
    }
    waiting.removeAll { prepared, exchange in
      guard let deadline = prepared.deadline, deadline <= now else { return false }
      let reason = "all \(configuration.maximumTransfers) transfer slots were in use"
      exchange.finish(.failed(.timeout(.queue, prepared.label.because(reason))))
      return true
    }
    for (prepared, _) in waiting { consider(prepared.deadline) }
  }
}

// For the thread types of libc, which Swift attributes to the first module that includes them.

// MARK: The thread

extension TransferLoop {
  /// Shown by ps and top; at most 15 bytes.
  static let threadName = "rollcall-http"

  /// Runs the loop on a new detached thread, which ends with it.
  func start() throws(HTTPTransportError) {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let loop = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        TransferLoop.blockSignals()
        TransferLoop.nameThread()
        if let argument { Unmanaged<TransferLoop>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, loop.toOpaque())
    guard code == 0 else {
      loop.release()
      throw .setUp("pthread_create: \(systemMessage(code))")
    }
  }

  /// Leaves signals to the program's other threads. SIGPIPE in particular must be blocked: OpenSSL writes to sockets whose peer may be
  /// gone. Signals of crashes stay unblocked, so that they are reported.
  static func blockSignals() {
    var signals = sigset_t()
    sigfillset(&signals)
    for signal in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS] { sigdelset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Uses procfs, since pthread_setname_np(3) is missing from Swift's Glibc module. Failures do not matter.
  private static func nameThread() {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, threadName, threadName.utf8.count)
    close(descriptor)
  }
}

// MARK: Reading in batches

/// How long a stream that is read in batches is not read after it has been drained, like interrupt moderation of network cards.
///
/// An API server sends each watch event separately. At 5,000 events a second, waking up for each costs more than processing it; with these
/// values about 80 are read at once. Events are delayed by at most 16 ms, which is little compared with the network.
enum ReadPacing {
  /// At 32 MB/s this is half a megabyte, which fits into a socket's buffer and should fit into `streamBufferBytes`. The poller rounds it up
  /// to the next millisecond.
  static let pause: Duration = .milliseconds(15)
  /// A stream is busy if its previous read was less than this ago. Longer than a pause plus scheduling latency.
  static let busyInterval: Duration = .milliseconds(40)
}

enum SocketState {
  /// libcurl's other sockets, by which a name lookup reports its end, are not internet sockets.
  static func isConnectedTCP(_ socket: Int32) -> Bool {
    var address = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let code = withUnsafeMutableBytes(of: &address) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { getpeername(socket, $0.baseAddress, &size) }
    }
    return code == 0 && [AF_INET, AF_INET6].contains(Int32(address.ss_family))
  }

  /// Whether there is nothing left to read. In a bulk transfer there mostly is, and a pause would slow it down.
  static func isEmpty(_ socket: Int32) -> Bool {
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0
  }
}
