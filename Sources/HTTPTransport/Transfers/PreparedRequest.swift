internal import Primitives

/// A validated request in libcurl's terms. Prepared on the caller's thread, to keep the work off the transport's thread.
struct PreparedRequest: Sendable {
  struct TLSMaterial: Sendable {
    var authorities: [UInt8]?
    var certificate: [UInt8]?
    var key: [UInt8]?
    var isVerified = true
  }

  let request: HTTPRequest
  /// Identifies the request in messages.
  let label: HTTPTransportError.Detail
  let url: String
  /// `Name: value`, in libcurl's own syntax.
  let headerLines: [String]
  /// In libcurl's syntax; empty to connect to the URL's host.
  let connectTo: [String]
  /// Whether the transfer connects to an IP address in the URL, so that there is no name to resolve.
  let connectsToAddress: Bool
  let tls: TLSMaterial
  /// When the whole transfer must be over.
  let deadline: ContinuousClock.Instant?

  init(_ request: HTTPRequest, files: PEMFiles) throws(HTTPTransportError) {
    let label = HTTPTransportError.Detail(method: request.method, url: request.url)
    self.request = request
    self.label = label
    deadline = request.deadline.map { .now + $0 }
    if let problem = Self.problem(with: request) { throw .badRequest(label.because(problem)) }
    let url: CurlURL
    do { url = try CurlURL(request.url) } catch { throw .badRequest(label.because(error.reason)) }

    var headers = request.headers
    var connectTo = request.connectTo.map { "::\(Self.bracketed($0.host)):\($0.port)" }
    if let name = request.tls?.serverName, url.scheme == "https" {
      // libcurl takes the TLS name from the URL. So the name replaces the URL's host, which goes to connect-to and the Host header.
      connectTo = connectTo ?? "::\(url.host):\(url.port)"
      if !headers.contains(where: { $0.name.lowercased() == "host" }) {
        headers.append(HTTPHeader("Host", url.host + (url.explicitPort.map { ":\($0)" } ?? "")))
      }
      do { try url.setHost(Self.bracketed(name)) } catch { throw .badRequest(label.because("the TLS server name: \(error.reason)")) }
    }
    self.url = url.text
    self.connectTo = connectTo.map { [$0] } ?? []
    connectsToAddress = connectTo == nil && IPAddress(ignoringZone: url.host.filter { $0 != "[" && $0 != "]" }) != nil
    if request.acceptsCompression { headers.append(HTTPHeader("Accept-Encoding", "gzip")) }
    headerLines = Self.lines(headers)
    do {
      tls = try Self.material(request.tls ?? TLSOptions(), files)
    } catch {
      throw .tls(label.because(error.reason))
    }
  }

  /// Why the request is invalid, or nil.
  private static func problem(with request: HTTPRequest) -> String? {
    if !HeaderChecks.isToken(request.method) { return "the method is not a token" }
    if request.method == "HEAD", request.body != nil { return "a HEAD request must not have a body" }
    for header in request.headers {
      if let problem = HeaderChecks.problem(with: header) { return problem }
    }
    if let path = request.unixSocket, path.isEmpty || path.utf8.count > 107 || path.utf8.contains(0) {
      return "the path of the Unix socket must have 1 to 107 bytes and no NUL"
    }
    if let connectTo = request.connectTo {
      if !isHost(connectTo.host) { return "the host to connect to is neither a host name nor an IP address" }
      if !(1...65535).contains(connectTo.port) { return "the port to connect to, \(connectTo.port), is not in 1...65535" }
    }
    if let name = request.tls?.serverName, !isHost(name) { return "the TLS server name is not a host name" }
    if let proxy = request.proxy {
      if request.addressPolicy != .any { return "an address policy cannot be enforced through a proxy" }
      if !proxy.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) {
        return "the proxy's URL contains a space, a control character or a non-ASCII character"
      }
      let scheme = URLParts(proxy)?.scheme ?? "none"
      if !["http", "https", "socks5", "socks5h"].contains(scheme) {
        return "the proxy's scheme is \(scheme), not http, https, socks5 or socks5h"
      }
    }
    return nil
  }

  /// Puts IPv6 addresses in brackets, as in URLs.
  private static func bracketed(_ host: String) -> String {
    host.contains(":") ? "[\(host)]" : host
  }

  /// In libcurl's syntax `Name;` sends a header without a value, and `Name:` suppresses one of libcurl's own: `Expect`, to never wait for a
  /// 100, and `Content-Type`, which only the caller sets.
  private static func lines(_ headers: [HTTPHeader]) -> [String] {
    let names = Set(headers.map { $0.name.lowercased() })
    let suppressed = ["Expect", "Content-Type"].filter { !names.contains($0.lowercased()) }.map { "\($0):" }
    return headers.map { $0.value.allSatisfy { $0 == " " || $0 == "\t" } ? "\($0.name);" : "\($0.name): \($0.value)" } + suppressed
  }

  private static func material(_ options: TLSOptions, _ files: PEMFiles) throws(PEMFiles.Unreadable) -> TLSMaterial {
    var material = TLSMaterial(isVerified: options.verification == .full)
    if let source = options.certificateAuthorities { material.authorities = try files.bytes(of: source) }
    if let source = options.clientCertificate { material.certificate = try files.bytes(of: source) }
    if let source = options.clientKey { material.key = try files.bytes(of: source) }
    // libcurl looks for the key in the certificate's file, but not in its blob.
    if material.key == nil { material.key = material.certificate }
    return material
  }
}

/// Rejects headers and methods that could inject other headers or requests.
package enum HeaderChecks {
  /// Only the transport sets these: conflicting lengths allow request smuggling.
  private static let reserved: Set<String> = ["content-length", "transfer-encoding"]

  /// What is wrong with the header, or nil. Never shows the value, which may be a credential.
  package static func problem(with header: HTTPHeader) -> String? {
    guard isToken(header.name) else { return "a header's name is empty or contains an invalid character" }
    if reserved.contains(header.name.lowercased()) { return "the header \(header.name) is set by the transport" }
    // RFC 9110 5.5: visible characters, space, tab, and obs-text.
    guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
      return "the value of the header \(header.name) contains a line break or another control character"
    }
    return nil
  }

  /// RFC 9110 5.6.2: methods and header names.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }
}
