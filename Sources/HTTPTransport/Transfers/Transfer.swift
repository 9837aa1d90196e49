internal import CCurl
internal import Glibc
internal import Gzip
internal import Primitives

/// A transfer in flight: its easy handle and its state. Used by the transport's thread only.
final class Transfer {
  let prepared: PreparedRequest
  let exchange: Exchange
  let easy: CurlEasy
  private var headReader: ResponseHeadReader
  private let headerLimit: Int
  private let wakeups: ReaderWakeups
  private let decoders: DecoderPool
  /// Set while the body is compressed, and the request accepts that.
  private var decoding: BodyDecoding?
  private(set) var bodyBytes = 0
  /// Set once the connection is established, its address is allowed, and the request is being sent.
  private(set) var isConnected = false
  /// Whether a TCP connection was accepted. Decides the error of a transfer that got no response.
  var isAccepted = false
  private(set) var isPaused = false
  private(set) var lastByte = ContinuousClock.now
  /// When the response's head was complete; nil before.
  private var headAt: ContinuousClock.Instant?
  /// Why one of our callbacks aborted the transfer; libcurl only reports that one did.
  private(set) var ownFailure: HTTPTransportError?
  /// Whether a chunk was delivered, or did not fit, since the reader was last woken.
  private(set) var needsWakeup = false
  /// When the socket was last read, for streams that are read in batches.
  private var lastServed = ContinuousClock.now
  /// The last address that the policy refused. Fatal only if no other address of the host worked.
  private(set) var refused: (address: String, reason: String)?

  init(_ prepared: PreparedRequest, _ exchange: Exchange, headerLimit: Int, wakeups: ReaderWakeups, decoders: DecoderPool)
    throws(CurlFailure)
  {
    self.prepared = prepared
    self.exchange = exchange
    self.headerLimit = headerLimit
    self.wakeups = wakeups
    self.decoders = decoders
    headReader = ResponseHeadReader(limit: headerLimit)
    easy = try CurlEasy()
    try easy.apply(prepared)
    try setCallbacks()
  }

  var hasHead: Bool { headReader.isComplete }

  /// When the idle timeout expires; nil without one, and while the transfer is paused for its reader.
  var idleEnd: ContinuousClock.Instant? {
    guard let limit = prepared.request.idleTimeout, !isPaused else { return nil }
    // The connect timeout bounds the time before the connection.
    return (isConnected ? lastByte : .now) + limit
  }

  /// How long a request that needs only the status waits for the end of the body, which lets the next request reuse the connection.
  static let bodyPatience: Duration = .seconds(1)

  /// When the status suffices although the body has not ended; nil if the request needs the body.
  private var bodyEnd: ContinuousClock.Instant? {
    prepared.request.needsOnlyStatus ? (headAt ?? .now) + Self.bodyPatience : nil
  }

  /// The deadline of the transfer.
  var end: ContinuousClock.Instant? {
    guard let bodyEnd else { return prepared.deadline }
    return min(bodyEnd, prepared.deadline ?? bodyEnd)
  }

  /// Resumes reading. Delivers the bytes that libcurl has kept, and returns the code of that delivery, which may fail.
  func resume() -> CURLcode {
    guard isPaused else { return CURLE_OK }
    isPaused = false
    lastByte = .now
    return curl_easy_pause(easy.handle, CURLPAUSE_CONT)
  }

  /// Called after each read: whether the previous read was less than `ReadPacing.busyInterval` ago.
  func isBusy(at now: ContinuousClock.Instant) -> Bool {
    defer { lastServed = now }
    return hasHead && !isPaused && now - lastServed < ReadPacing.busyInterval
  }

  func wakeReader() {
    needsWakeup = false
    exchange.wakeReader()
  }

  // MARK: Callbacks

  /// Returns false to abort the transfer.
  func receive(headerLine: UnsafeRawBufferPointer) -> Bool {
    lastByte = .now
    switch headReader.take(headerLine) {
    case .more: return true
    case .complete(let head):
      headAt = lastByte
      guard prepares(for: head) else { return false }
      exchange.deliver(head)
      return true
    case .tooLarge:
      ownFailure = .tooLarge(limit: headerLimit, prepared.label.because("the head exceeds the limit"))
      return false
    case .malformed:
      ownFailure = .malformed(prepared.label.because("no HTTP status line"))
      return false
    }
  }

  /// Prepares for the encoding of the body. Returns false if there is no way to read it.
  private func prepares(for head: HTTPResponseHead) -> Bool {
    guard prepared.request.acceptsCompression else { return true }
    switch BodyEncoding(head) {
    case .identity: return true
    case .gzip:
      decoding = BodyDecoding(decoders)
      return true
    case .unknown(let coding):
      ownFailure = .malformed(prepared.label.because("the body has the Content-Encoding \(coding.prefix(40)), which was not asked for"))
      return prepared.request.needsOnlyStatus
    }
  }

  enum Reception {
    case taken, paused, refused
  }

  func receive(body: UnsafeRawBufferPointer) -> Reception {
    lastByte = .now
    guard decoding != nil else { return take(body) }
    let limit = prepared.request.maximumBodyBytes
    if decoding?.exceeds(BodyDecoding.compressedLimit(for: limit), with: body) == true {
      ownFailure = .tooLarge(limit: limit, prepared.label.because("the body exceeds the limit before it is decompressed"))
      return .refused
    }
    do {
      return try decoding?.receive(body, deliver: take) ?? .refused
    } catch {
      ownFailure =
        switch error {
        case .malformed: .malformed(prepared.label.because("the body is not gzip, as its Content-Encoding says"))
        case .longHeader:
          .malformed(prepared.label.because("a gzip header in the body has more than \(GzipDecoder.maximumHeaderBytes) bytes"))
        case .noMemory: .setUp("\(prepared.label.request): no memory to decompress the body")
        }
      return .refused
    }
  }

  /// Takes bytes of the body, decompressed.
  private func take(_ body: UnsafeRawBufferPointer) -> Reception {
    let limit = prepared.request.maximumBodyBytes
    if prepared.request.needsOnlyStatus, body.count > limit - bodyBytes {
      // Appends what fits. Refusing the rest ends the transfer, with a status.
      _ = exchange.deliver(UnsafeRawBufferPointer(rebasing: body[..<(limit - bodyBytes)]))
      bodyBytes = limit
      return .refused
    }
    guard body.count <= limit - bodyBytes else {
      ownFailure = .tooLarge(limit: limit, prepared.label.because("the body exceeds the limit, after decompression if it was compressed"))
      return .refused
    }
    if !needsWakeup {
      needsWakeup = true
      wakeups.transfers.append(self)
    }
    guard exchange.deliver(body) else {
      isPaused = true
      return .paused
    }
    bodyBytes += body.count
    return .taken
  }

  /// Whether the policy allows a connection to the address.
  func allows(_ address: IPAddress?) -> Bool {
    let policy = prepared.request.addressPolicy
    guard policy != .any else { return true }
    guard let address else {
      refused = ("(none)", "not an IP address")
      return false
    }
    guard let reason = policy.refusal(of: address) else { return true }
    refused = (address.description, reason)
    return false
  }

  /// Called before the request is sent on a new or reused connection; a reused one may have been opened under another policy.
  func connected(to address: IPAddress?) -> Bool {
    guard allows(address) else { return false }
    isConnected = true
    lastByte = .now
    return true
  }
}

/// The transfers whose readers must be woken before the thread waits again. Used by the transport's thread only.
final class ReaderWakeups {
  var transfers: [Transfer] = []

  func wakeReaders() {
    for transfer in transfers { transfer.wakeReader() }
    transfers.removeAll(keepingCapacity: true)
  }
}

extension Transfer {
  /// Maps libcurl's result code to an outcome, depending on how far the transfer came.
  func outcome(of code: CURLcode) -> Exchange.Outcome {
    if hasSufficientStatus { return .complete }
    if code == CURLE_OK, decoding?.isWhole == false {
      return .failed(.malformed(prepared.label.because("the compressed body ends in the middle")))
    }
    return code == CURLE_OK ? .complete : .failed(failure(of: code))
  }

  /// Returns what is shared with other transfers.
  func release() { decoding?.end() }

  /// The outcome once the deadline, or the patience with a body that nobody needs, has expired.
  func outcomeAtDeadline() -> Exchange.Outcome {
    if hasSufficientStatus { return .complete }
    return .failed(
      .timeout(phase, prepared.label.because("the deadline for the whole transfer expired after \(bodyBytes) bytes of body")))
  }

  func outcomeWhenIdle() -> Exchange.Outcome {
    if hasSufficientStatus { return .complete }
    return .failed(.timeout(.idle, prepared.label.because("no byte arrived within the idle timeout, after \(bodyBytes) bytes of body")))
  }

  private var hasSufficientStatus: Bool { prepared.request.needsOnlyStatus && hasHead }

  private var phase: HTTPTransportError.Phase {
    if !isConnected { return isAccepted ? .handshake : .connect }
    return hasHead ? .body : .head
  }

  /// Names the proxy, since users with a proxy in their environment may not be aware of it.
  private var proxyHint: String {
    guard !isConnected, let proxy = prepared.request.proxy else { return "" }
    return " (through the proxy \(HTTPTransportError.Detail.withoutSecrets(proxy)))"
  }

  private func failure(of code: CURLcode) -> HTTPTransportError {
    if let ownFailure { return ownFailure }
    let message = easy.message(for: code)
    let detail = prepared.label.because(message + proxyHint)
    if !isConnected, let refused, code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK {
      return .refusedAddress(refused.address, prepared.label.because(refused.reason))
    }
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .resolve(detail)
    case CURLE_COULDNT_CONNECT, CURLE_PROXY: return .connect(detail)
    case CURLE_OPERATION_TIMEDOUT: return .timeout(phase, detail)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_CLIENTCERT, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
      return .tls(detail)
    case CURLE_FILESIZE_EXCEEDED: return .tooLarge(limit: prepared.request.maximumBodyBytes, detail)
    // libcurl's result for a header line of more than 100 KB (CURL_MAX_HTTP_HEADER).
    case CURLE_OUT_OF_MEMORY where isConnected && !hasHead: return .tooLarge(limit: Int(CURL_MAX_HTTP_HEADER), detail)
    case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING: return .malformed(detail)
    case CURLE_URL_MALFORMAT: return .badRequest(detail)
    // With TLS 1.3 a server rejects our certificate after the client's handshake. libcurl then reports a read error, and the alert only in
    // the text of OpenSSL.
    case CURLE_RECV_ERROR where message.contains("SSL routines") && message.contains(" alert "): return .tls(detail)
    default: return isConnected ? .cut(detail) : .connect(detail)
    }
  }
}
