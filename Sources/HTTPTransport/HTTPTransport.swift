/// An HTTP client: libcurl's multi interface on a dedicated thread, with a connection pool.
///
/// The thread ends, and its descriptors are closed, once the transport and all its streams have been released.
///
///     let transport = try HTTPTransport()
///     let response = try await transport.send(HTTPRequest(url: "http://10.0.0.7:9182/metrics", deadline: .seconds(10)))
package final class HTTPTransport: Sendable {
  private let configuration: HTTPTransportConfiguration
  private let mailbox: Mailbox
  private let files = PEMFiles()

  /// Starts the thread. Throws `.setUp` if there are no descriptors or threads left, or if libcurl lacks TLS.
  package init(configuration: HTTPTransportConfiguration = .init()) throws(HTTPTransportError) {
    self.configuration = configuration
    mailbox = try Mailbox()
    try TransferLoop(configuration: configuration, mailbox: mailbox).start()
  }

  deinit { shutDown() }

  /// Ends all transfers with `.shutDown`, and the thread; later requests fail at once. Does not wait for the thread.
  package func shutDown() {
    mailbox.close()
  }

  /// Sends the request and returns the complete response, whatever its status; `maximumBodyBytes` bounds the body.
  ///
  /// Cancelling the task aborts the transfer, closes its connection and throws `.cancelled`.
  package func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    let stream = try start(request, bufferLimit: .max)
    return try await stream.exchange.response(cancelledBy: stream)
  }

  /// Sends the request and returns when the response's head has arrived. The stream owns the connection until its body ends or it is
  /// released.
  ///
  /// While `streamBufferBytes` are unread, nothing is read from the connection, which slows the peer down.
  /// Cancelling the task that waits here or for the body aborts the transfer, closes its connection and throws `.cancelled`.
  package func open(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPStream {
    let stream = try start(request, bufferLimit: configuration.streamBufferBytes)
    let head = try await stream.exchange.head(cancelledBy: stream)
    return HTTPStream(head: head, body: HTTPBody(transfer: stream))
  }

  /// The options with their files replaced by the files' current contents; nil if a file cannot be read. As long as the result stays equal,
  /// a connection made with the options need not be replaced.
  package func current(_ options: TLSOptions) -> TLSOptions? {
    var current = options
    for source in [\TLSOptions.certificateAuthorities, \.clientCertificate, \.clientKey] {
      guard let named = options[keyPath: source] else { continue }
      guard let bytes = try? files.bytes(of: named) else { return nil }
      current[keyPath: source] = .memory(bytes)
    }
    return current
  }

  private func start(_ request: HTTPRequest, bufferLimit: Int) throws(HTTPTransportError) -> TransferHandle {
    let prepared = try PreparedRequest(request, files: files)
    let exchange = Exchange(
      bufferLimit: bufferLimit, buffers: bufferLimit == .max ? request.bodyBuffers : nil, detail: prepared.label)
    guard mailbox.post(.start(prepared, exchange)) else {
      throw .shutDown(prepared.label.because("it accepts no more requests"))
    }
    return TransferHandle(exchange: exchange, mailbox: mailbox, transport: self)
  }
}

/// The caller's reference to a transfer. Keeps the transport alive, and cancels the transfer when released.
final class TransferHandle: Sendable {
  let exchange: Exchange
  private let mailbox: Mailbox
  private let transport: HTTPTransport

  init(exchange: Exchange, mailbox: Mailbox, transport: HTTPTransport) {
    self.exchange = exchange
    self.mailbox = mailbox
    self.transport = transport
  }

  deinit { cancel() }

  /// Aborts the transfer unless it has finished: the reader gets `.cancelled`, and the thread closes the connection.
  func cancel() {
    if exchange.cancel() { mailbox.post(.cancel(exchange)) }
  }

  /// Lets the thread read from the connection again.
  func resume() {
    mailbox.post(.resume(exchange))
  }
}

/// The limits of a transport.
package struct HTTPTransportConfiguration: Sendable, Hashable {
  /// Transfers in flight at once, open streams included. Further requests wait in order, while their deadlines run.
  package var maximumTransfers = 256
  /// Idle connections kept for reuse.
  package var connectionCacheSize = 256
  /// Unread bytes of a stream at which the transport stops reading from its connection.
  package var streamBufferBytes = 256 << 10
  /// Bytes of a response's status lines, headers and trailers together.
  package var maximumHeaderBytes = 64 << 10

  package init() {}
}
