/// A header field. Names compare without regard to case, and keep the case that they were given.
package struct HTTPHeader: Sendable, Hashable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Another host and port to connect to than the URL's; the TLS name and the Host header stay the URL's.
package struct ConnectTo: Sendable, Hashable {
  /// A name or an IP address (IPv6 without brackets).
  package var host: String
  package var port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }
}

/// One HTTP request as a value: nothing happens until it is given to an `HTTPTransport`.
///
/// Redirects are never followed: a 3xx is an answer like any other. Only `http` and `https` are spoken.
/// The environment's proxy variables, `.netrc` and cookies are ignored.
package struct HTTPRequest: Sendable {
  package var method = "GET"
  /// Absolute, percent-encoded, `http` or `https`.
  package var url: String
  /// Sent as given; `Content-Length` and `Transfer-Encoding` belong to the transport and are refused.
  package var headers: [HTTPHeader] = []
  package var body: [UInt8]? = nil

  /// For the whole transfer from the moment that the request is made, waiting for a free slot included; nil is no limit.
  package var deadline: Duration? = nil
  /// For the name look-up, the TCP and the TLS handshake together.
  package var connectTimeout: Duration = .seconds(5)
  /// How long the connected peer may send no byte while the reader is not behind; nil is no limit.
  package var idleTimeout: Duration? = nil
  /// Bytes of body, counted after decompression; one more and the transfer fails with `.tooLarge`. `Int.max` for endless streams.
  package var maximumBodyBytes = 16 << 20
  /// Bytes that are read from the connection at once, and so much memory while the transfer lasts. Worth more for long bodies alone.
  package var receiveBufferBytes = 16 << 10
  /// Where the body of an answer that is read as a whole finds its memory, to be given back there; nil is new memory.
  package var bodyBuffers: BodyBuffers? = nil
  /// Keeps the connection for the next request to the same peer. To be switched off where there are more peers than
  /// `connectionCacheSize`: none would be found again, and libcurl 7.88 remembers every peer whose connection it had to give up for
  /// another's, and looks through all of them the next time.
  package var keepsConnection = true
  /// Where the answer comes in many small pieces, has each wait for up to 16 ms for those behind it, since to be woken for a piece costs more than
  /// to take it. A piece that comes after 40 ms of silence is handed over at once.
  package var readsInBatches = false
  /// Asks for gzip and decompresses the answer.
  package var acceptsCompression = false
  /// Offers HTTP/2 in the TLS handshake; otherwise HTTP/1.1 is spoken.
  package var allowsHTTP2 = false

  /// For `https`; nil is the system's authorities and full verification.
  package var tls: TLSOptions? = nil
  package var connectTo: ConnectTo? = nil
  /// The path of a Unix socket to connect to; the URL's host then only names the Host header. At most 107 bytes.
  package var unixSocket: String? = nil
  /// A proxy's URL (`http`, `https`, `socks5` or `socks5h`); nil is a direct connection, whatever the environment says. The certificate of an
  /// `https` proxy is checked as `tls` says of the server's.
  package var proxy: String? = nil
  /// Which addresses may be connected to. Cannot be kept through a proxy, so the two together are refused.
  package var addressPolicy: AddressPolicy = .any

  package init(
    method: String = "GET", url: String, headers: [HTTPHeader] = [], body: [UInt8]? = nil, deadline: Duration? = nil, tls: TLSOptions? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.deadline = deadline
    self.tls = tls
  }
}
