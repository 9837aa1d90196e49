/// An HTTP client: libcurl's multi interface on one thread of its own, with connections kept for reuse.
///
/// The thread and its descriptors live as long as the transport or a stream of it is held; then it ends of itself.
///
///     let transport = try HTTPTransport()
///     let answer = try await transport.send(HTTPRequest(url: "http://10.0.0.7:9182/metrics", deadline: .seconds(10)))
package final class HTTPTransport: Sendable {
  private let configuration: HTTPTransportConfiguration
  private let mailbox: Mailbox
  private let files = PEMFiles()

  /// Starts the thread. Throws `.setUp` where descriptors or threads have run out, or libcurl lacks TLS.
  package init(configuration: HTTPTransportConfiguration = .init()) throws(HTTPTransportError) {
    self.configuration = configuration
    mailbox = try Mailbox()
    try TransferLoop(configuration: configuration, mailbox: mailbox).start()
  }

  deinit { shutDown() }

  /// Ends every transfer with `.shutDown` and the thread with them; later requests fail at once. Does not wait for the thread.
  package func shutDown() {
    mailbox.close()
  }

  /// Sends the request and returns the whole answer, whatever its status; the body is bounded by `maximumBodyBytes`.
  ///
  /// Cancelling the task ends the transfer and closes its connection at once, and `.cancelled` is thrown.
  package func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    let stream = try start(request, bufferLimit: .max)
    return try await stream.exchange.whole(cancelledBy: stream)
  }

  /// Sends the request and returns at the answer's head; the body is read from the stream, which holds the connection until it has ended or is released.
  ///
  /// Where the reader is more than `streamBufferBytes` behind, the connection is not read from, so that the peer is held back.
  /// Cancelling the task that waits here or for the body ends the transfer and closes its connection at once, and `.cancelled` is thrown.
  package func open(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPStream {
    let stream = try start(request, bufferLimit: configuration.streamBufferBytes)
    let head = try await stream.exchange.head(cancelledBy: stream)
    return HTTPStream(head: head, body: HTTPBody(transfer: stream))
  }

  /// The options with what their files hold now in place of the files: as long as that is equal, a connection made with the options is as good as
  /// a new one. nil where a file cannot be read.
  package func current(_ options: TLSOptions) -> TLSOptions? {
    var current = options
    for source in [\TLSOptions.certificateAuthorities, \.clientCertificate, \.clientKey] {
      guard let named = options[keyPath: source] else { continue }
      guard let bytes = try? files.bytes(of: named) else { return nil }
      current[keyPath: source] = .memory(bytes)
    }
    return current
  }

  private func start(_ request: HTTPRequest, bufferLimit: Int) throws(HTTPTransportError) -> TransferHold {
    let prepared = try PreparedRequest(request, files: files)
    let exchange = Exchange(
      bufferLimit: bufferLimit, buffers: bufferLimit == .max ? request.bodyBuffers : nil, detail: prepared.label)
    guard mailbox.post(.start(prepared, exchange)) else {
      throw .shutDown(prepared.label.because("no request can be sent through it any more"))
    }
    return TransferHold(exchange: exchange, mailbox: mailbox, transport: self)
  }
}

/// What one who waits for a transfer holds of it. Keeps the transport alive; when it is released, the transfer ends.
final class TransferHold: Sendable {
  let exchange: Exchange
  private let mailbox: Mailbox
  private let transport: HTTPTransport

  init(exchange: Exchange, mailbox: Mailbox, transport: HTTPTransport) {
    self.exchange = exchange
    self.mailbox = mailbox
    self.transport = transport
  }

  deinit { cancel() }

  /// Ends the transfer where it has not ended: the reader sees `.cancelled`, the thread drops the connection.
  func cancel() {
    if exchange.cancel() { mailbox.post(.cancel(exchange)) }
  }

  /// Has the thread read from the connection again.
  func resume() {
    mailbox.post(.resume(exchange))
  }
}
