internal import CCurl
internal import Glibc

/// One transfer in flight: its easy handle and what is known of it so far. For the transport's thread alone.
final class Transfer {
  let prepared: PreparedRequest
  let exchange: Exchange
  let easy: CurlEasy
  private var headReader: ResponseHeadReader
  private let headerLimit: Int
  private let news: TransferNews
  private(set) var bodyBytes = 0
  /// The connection is there, looked at, and the request goes out now.
  private(set) var isConnected = false
  private(set) var isPaused = false
  private(set) var lastByte = ContinuousClock.now
  /// Why one of our callbacks ended the transfer; libcurl only knows that one did.
  private(set) var ownFailure: HTTPTransportError?
  /// Whether bytes were delivered, or refused because the reader is behind, since the reader was last woken.
  private(set) var hasNews = false
  /// When the socket of a stream that is read in batches was last read from.
  private var lastServed = ContinuousClock.now
  /// The last address that the policy refused. Fatal only where no other address of the host worked.
  private(set) var refused: (address: String, reason: String)?

  init(_ prepared: PreparedRequest, _ exchange: Exchange, headerLimit: Int, news: TransferNews) throws(CurlFailure) {
    self.prepared = prepared
    self.exchange = exchange
    self.headerLimit = headerLimit
    self.news = news
    headReader = ResponseHeadReader(limit: headerLimit)
    easy = try CurlEasy()
    try easy.apply(prepared)
    try setCallbacks()
  }

  var hasHead: Bool { headReader.isComplete }

  /// When the peer will have been silent for too long; nil where it may be, or where it is the reader who is behind.
  var idleEnd: ContinuousClock.Instant? {
    guard let limit = prepared.request.idleTimeout, !isPaused else { return nil }
    // The connect timeout bounds what is before the connection.
    return (isConnected ? lastByte : .now) + limit
  }

  /// Reads from the connection again. Returns what libcurl says: the bytes that it kept meanwhile are delivered in this call, which can fail.
  func resume() -> CURLcode {
    guard isPaused else { return CURLE_OK }
    isPaused = false
    lastByte = .now
    return curl_easy_pause(easy.handle, CURLPAUSE_CONT)
  }

  /// To be asked each time that the stream was read from: whether it had been a short time ago, too.
  func isBusy(at now: ContinuousClock.Instant) -> Bool {
    defer { lastServed = now }
    return hasHead && !isPaused && now - lastServed < ReadPacing.busyInterval
  }

  /// Tells the reader what has come.
  func wakeReader() {
    hasNews = false
    exchange.wakeReader()
  }

  // MARK: What the callbacks call

  /// Returns false to end the transfer.
  func receive(headerLine: UnsafeRawBufferPointer) -> Bool {
    lastByte = .now
    switch headReader.take(headerLine) {
    case .more: return true
    case .complete(let head):
      exchange.deliver(head)
      return true
    case .tooLarge:
      ownFailure = .tooLarge(limit: headerLimit, prepared.label.because("its head alone is"))
      return false
    case .malformed:
      ownFailure = .malformed(prepared.label.because("it does not start with an HTTP status line"))
      return false
    }
  }

  enum Reception {
    case taken, paused, refused
  }

  func receive(body: UnsafeRawBufferPointer) -> Reception {
    lastByte = .now
    let limit = prepared.request.maximumBodyBytes
    guard body.count <= limit - bodyBytes else {
      ownFailure = .tooLarge(limit: limit, prepared.label.because("its body is, decompressed where it was compressed"))
      return .refused
    }
    if !hasNews {
      hasNews = true
      news.transfers.append(self)
    }
    guard exchange.deliver(body) else {
      isPaused = true
      return .paused
    }
    bodyBytes += body.count
    return .taken
  }

  /// Whether a connection may be opened to the address.
  func allows(_ address: IPAddress?) -> Bool {
    let policy = prepared.request.addressPolicy
    guard policy != .any else { return true }
    guard let address else {
      refused = ("(none)", "it is not an IP address")
      return false
    }
    guard let reason = policy.refusal(of: address) else { return true }
    refused = (address.text, reason)
    return false
  }

  /// Called when there is a connection, new or kept, before the request goes out on it: a kept one may have been opened by a request with another policy.
  func connected(to address: IPAddress?) -> Bool {
    guard allows(address) else { return false }
    isConnected = true
    lastByte = .now
    return true
  }
}

/// The transfers whose readers are to be woken before the thread waits again. For the transport's thread alone.
final class TransferNews {
  var transfers: [Transfer] = []

  func wakeReaders() {
    for transfer in transfers { transfer.wakeReader() }
    transfers.removeAll(keepingCapacity: true)
  }
}
