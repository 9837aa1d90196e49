/// A header field. Names keep their case; lookups ignore it.
package struct HTTPHeader: Sendable, Hashable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A host and port to connect to instead of the URL's. The TLS server name and the Host header remain the URL's.
package struct ConnectTo: Sendable, Hashable {
  /// A name or an IP address (IPv6 without brackets).
  package var host: String
  package var port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }
}

/// One HTTP request as a value, sent by an `HTTPTransport`.
///
/// Redirects are never followed: a 3xx is returned like any other response. Only `http` and `https` are supported.
/// The environment's proxy variables, `.netrc` and cookies are ignored.
package struct HTTPRequest: Sendable {
  package var method = "GET"
  /// Absolute, percent-encoded, `http` or `https`.
  package var url: String
  /// Sent as given. `Content-Length` and `Transfer-Encoding` are set by the transport and rejected here; `User-Agent` is our name and
  /// version unless it is among them.
  package var headers: [HTTPHeader] = []
  package var body: [UInt8]? = nil

  /// For the whole transfer, including the wait for a free slot; nil means no limit.
  package var deadline: Duration? = nil
  /// For the name lookup, the TCP and the TLS handshake together.
  package var connectTimeout: Duration = .seconds(5)
  /// How long a connected peer may send nothing, not counting the time while the transfer is paused for its reader; nil means no limit.
  package var idleTimeout: Duration? = nil
  /// Limit of the body's bytes after decompression. A larger body fails with `.tooLarge`, and so does one that is larger before
  /// decompression, beyond what gzip adds (`BodyDecoding.compressedLimit`). Use `Int.max` for endless streams.
  package var maximumBodyBytes = 16 << 20
  /// Whether the status is all that the caller needs. The response is then complete with the first `maximumBodyBytes` of its body; the rest
  /// is ignored, and so is a body that breaks off or takes longer than `Transfer.bodyPatience`.
  package var needsOnlyStatus = false
  /// Size of the buffer that the transfer reads into. A larger one only pays off for long bodies.
  package var receiveBufferBytes = 16 << 10
  /// Where `send` gets the buffer for the response's body; nil allocates one. The caller recycles it.
  package var bodyBuffers: BodyBufferPool? = nil
  /// Keeps the connection for the next request to the same peer. Switch this off with more peers than `connectionCacheSize`: no connection
  /// would be reused, and libcurl 7.88 keeps an entry for every peer whose connection it evicted and scans them all on the next eviction.
  package var keepsConnection = true
  /// Reads a stream of many small pieces in batches: a piece may wait for up to 16 ms for the next ones, since waking up costs more than
  /// reading. A piece that follows 40 ms of silence is delivered at once. See `ReadPacing`.
  package var readsInBatches = false
  /// Requests gzip and decompresses the response.
  package var acceptsCompression = false
  /// Offers HTTP/2 in the TLS handshake; otherwise HTTP/1.1 is used.
  package var allowsHTTP2 = false

  /// For `https`; nil means the system's authorities and full verification.
  package var tls: TLSOptions? = nil
  package var connectTo: ConnectTo? = nil
  /// Path of a Unix socket to connect to, at most 107 bytes. The URL's host then only determines the Host header.
  package var unixSocket: String? = nil
  /// A proxy's URL (`http`, `https`, `socks5` or `socks5h`); nil means a direct connection, whatever the environment says. `tls` also
  /// applies to the certificate of an `https` proxy.
  package var proxy: String? = nil
  /// Which addresses the transport may connect to. It cannot be enforced through a proxy, so combining the two is rejected.
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
