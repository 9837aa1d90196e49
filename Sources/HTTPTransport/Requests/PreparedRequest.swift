/// A request that was checked and can be given to libcurl: done where the request is made, so that the transport's thread only moves bytes.
struct PreparedRequest: Sendable {
  struct TLSMaterial: Sendable {
    var authorities: [UInt8]?
    var certificate: [UInt8]?
    var key: [UInt8]?
    var isVerified = true
  }

  let request: HTTPRequest
  /// Names the request in messages.
  let label: HTTPTransportError.Detail
  let url: String
  /// `Name: value`, in libcurl's own syntax.
  let headerLines: [String]
  /// In libcurl's syntax; empty where the URL's host is connected to.
  let connectTo: [String]
  /// The URL's host is an IP address, and it is what is connected to: there is no name to be resolved.
  let isToAddress: Bool
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
      // libcurl takes the TLS name from the URL: the name goes there, and the host that the URL had is what is connected to and what Host says.
      connectTo = connectTo ?? "::\(url.host):\(url.port)"
      if !headers.contains(where: { $0.name.lowercased() == "host" }) {
        headers.append(HTTPHeader("Host", url.host + (url.explicitPort.map { ":\($0)" } ?? "")))
      }
      do { try url.setHost(Self.bracketed(name)) } catch { throw .badRequest(label.because("the TLS server name: \(error.reason)")) }
    }
    self.url = url.text
    self.connectTo = connectTo.map { [$0] } ?? []
    isToAddress = connectTo == nil && IPAddress(url.host.filter { $0 != "[" && $0 != "]" }) != nil
    headerLines = Self.lines(headers)
    do {
      tls = try Self.material(request.tls ?? TLSOptions(), files)
    } catch {
      throw .tls(label.because(error.reason))
    }
  }

  /// nil, or why the request cannot be sent as it is.
  private static func problem(with request: HTTPRequest) -> String? {
    if !HeaderChecks.isToken(request.method) { return "the method is not a word" }
    if request.method == "HEAD", request.body != nil { return "a HEAD request has no body" }
    for header in request.headers {
      if let problem = HeaderChecks.problem(with: header) { return problem }
    }
    if let path = request.unixSocket, path.isEmpty || path.utf8.count > 107 || path.utf8.contains(0) {
      return "the path of the Unix socket must have 1 to 107 bytes"
    }
    if let connectTo = request.connectTo {
      if !isHostName(connectTo.host) { return "the host to connect to is neither a name nor an IP address" }
      if !(1...65535).contains(connectTo.port) { return "the port to connect to is \(connectTo.port)" }
    }
    if let name = request.tls?.serverName, !isHostName(name) { return "the TLS server name is not a host name" }
    if let proxy = request.proxy {
      if request.addressPolicy != .any { return "an address policy cannot be kept through a proxy" }
      if !proxy.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) {
        return "the proxy's URL holds a space, a control character or one that is not ASCII"
      }
      let scheme = proxy.firstRange(of: "://").map { proxy[..<$0.lowerBound].lowercased() } ?? "none"
      if !["http", "https", "socks5", "socks5h"].contains(scheme) {
        return "the proxy's scheme is \(scheme), not http, https, socks5 or socks5h"
      }
    }
    return nil
  }

  private static func isHostName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "-._:%".utf8.contains(byte)
        }
      }
  }

  /// IPv6 addresses in brackets, as URLs have them.
  private static func bracketed(_ host: String) -> String {
    host.contains(":") ? "[\(host)]" : host
  }

  /// `Name;` is libcurl's way to send a header without a value, `Name:` to leave out one of its own: we never wait for a 100, and a body has the type
  /// that the caller gave it or none.
  private static func lines(_ headers: [HTTPHeader]) -> [String] {
    let names = Set(headers.map { $0.name.lowercased() })
    let left = ["Expect", "Content-Type"].filter { !names.contains($0.lowercased()) }.map { "\($0):" }
    return headers.map { $0.value.allSatisfy { $0 == " " || $0 == "\t" } ? "\($0.name);" : "\($0.name): \($0.value)" } + left
  }

  private static func material(_ options: TLSOptions, _ files: PEMFiles) throws(PEMFiles.Unreadable) -> TLSMaterial {
    var material = TLSMaterial(isVerified: options.verification == .full)
    if let source = options.certificateAuthorities { material.authorities = try files.bytes(of: source) }
    if let source = options.clientCertificate { material.certificate = try files.bytes(of: source) }
    if let source = options.clientKey { material.key = try files.bytes(of: source) }
    // libcurl takes the key from the certificate's file, but not from the certificate's bytes.
    if material.key == nil { material.key = material.certificate }
    return material
  }
}
