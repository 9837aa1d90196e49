internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOSSL
internal import Primitives

/// A path that `--open-paths` can leave open to everybody.
package enum OpenPath: String, CaseIterable, Sendable {
  case metrics = "/metrics"
  case targets = "/sd"
  case livez = "/livez"
  case readyz = "/readyz"
}

/// Who may read the port.
package struct PortAccessSettings: Hashable, Sendable {
  /// Whether requests need a bearer token whose user is allowed the path.
  package var wantsAuthorization: Bool
  /// Whether requests with a token must come over TLS.
  package var wantsTLS: Bool
  /// Whether processes in our network namespace are let in. `kubectl port-forward` connects from there, and the API server has authorized
  /// it by `pods/portforward`.
  package var trustsLoopback: Bool
  package var openPaths: Set<OpenPath>

  package init(wantsAuthorization: Bool, wantsTLS: Bool, trustsLoopback: Bool, openPaths: Set<OpenPath>) {
    self.wantsAuthorization = wantsAuthorization
    self.wantsTLS = wantsTLS
    self.trustsLoopback = trustsLoopback
    self.openPaths = openPaths
  }
}

/// Decides which requests are answered, before anything else is done for them.
struct PortAccess: Sendable {
  let settings: PortAccessSettings
  let control: AccessControl

  /// The response to a request that may not have what it asks for; `nil` if it may.
  func refusal(of request: Request, to route: Route, on connection: any Channel) async -> ServerResponse? {
    if let path = route.openPath, settings.openPaths.contains(path) { return nil }
    // The connection's address, and never a header: anybody can write a header.
    let client = connection.remoteAddress?.ipAddress.flatMap(IPAddress.init)?.unmapped
    if settings.trustsLoopback, client?.isPortForward == true, isLocal(request.head.authority) { return nil }
    if settings.wantsTLS, (try? await connection.nioSSL_tlsVersion().get()) == nil {
      // Before the token is looked at, so that a scraper that sends it in the clear is noticed.
      return .text(.badRequest, "This port needs https. (A port forward needs it only for hosts other than localhost and addresses.)\n")
    }
    guard settings.wantsAuthorization else { return nil }
    let attempt = AccessAttempt(
      client: client, token: bearerToken(in: request.headers[values: .authorization]), verb: request.method.rawValue.lowercased(),
      path: request.uri.path)
    switch await control.decision(on: attempt) {
    case .allowed:
      return nil
    case .unauthenticated:
      var response = ServerResponse.text(
        .unauthorized,
        "Unauthorized: send a bearer token that the API server accepts, or use kubectl port-forward, which needs none.\n")
      response.headers[.wwwAuthenticate] = "Bearer realm=\"rollcall\""
      return response
    case .forbidden(let user):
      return .text(
        .forbidden,
        "Forbidden: \(user) may not \(attempt.verb) \(attempt.path). The ClusterRoles rollcall-viewer and rollcall-scraper allow it.\n")
    case .limited:
      return later(.tooManyRequests, "Too many attempts with unknown tokens.\n")
    case .unavailable:
      return later(.serviceUnavailable, "The API server does not say whether the token is valid and its user allowed; see the log.\n")
    }
  }

  private func later(_ status: HTTPResponse.Status, _ text: String) -> ServerResponse {
    var response = ServerResponse.text(status, text)
    response.headers[.retryAfter] = "1"
    return response
  }
}

/// The token of an `Authorization: Bearer` header (RFC 6750, section 2.1); `nil` without one, and for several headers, of which a proxy may
/// have checked another one.
private func bearerToken(in headers: [String]) -> String? {
  guard headers.count == 1 else { return nil }
  let words = headers[0].split(separator: " ", omittingEmptySubsequences: true)
  guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
  return String(words[1])
}

/// Whether a request that came through a port forward is for an address or for `localhost`. A page on the Internet can have its own name
/// resolve to 127.0.0.1 and then read what a browser's user may (DNS rebinding); `kubectl proxy` refuses such names as well.
private func isLocal(_ authority: String?) -> Bool {
  guard let authority else { return true }
  let host: Substring
  if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
    host = authority[authority.index(after: authority.startIndex)..<end]
  } else {
    host = authority.prefix { $0 != ":" }
  }
  return IPAddress(String(host)) != nil || host.lowercased() == "localhost"
}

extension Route {
  fileprivate var openPath: OpenPath? {
    switch self {
    case .metrics: .metrics
    case .targets: .targets
    case .livez: .livez
    case .readyz: .readyz
    case .page, .asset, .cadvisor, .resource, .summary, .probe, .gaps, .coverage, .nodes, .explain, .scrapes, .rulesWithoutData,
      .policies, .policyTest, .exporter:
      nil
    }
  }
}

extension IPAddress {
  /// An IPv4-mapped address as IPv4: a socket for both families has these.
  var unmapped: IPAddress {
    guard let v6, v6.high == 0, v6.low >> 32 == 0xffff else { return self }
    return IPAddress(v4: UInt32(truncatingIfNeeded: v6.low))
  }

  /// 127.0.0.1 and ::1, from which container runtimes connect for `kubectl port-forward`. No other loopback address: Istio's sidecar
  /// delivers the requests of strangers from 127.0.0.6.
  fileprivate var isPortForward: Bool {
    v4 == 0x7f00_0001 || v6.map { $0 == (high: 0, low: 1) } == true
  }
}
