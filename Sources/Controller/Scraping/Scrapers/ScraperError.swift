internal import HTTPTransport

/// Why a scraper did not answer a question about its targets. It makes no gap: nothing is known of the containers that it scrapes.
package struct ScraperError: Error, Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    /// No connection, or it broke before the response.
    case unreachable = "Unreachable"
    case timeout = "Timeout"
    case tls = "TLS"
    /// Status 401 or 403.
    case unauthorized = "Unauthorized"
    /// A redirect, which is not followed, since the credentials are for this server only.
    case redirected = "Redirected"
    /// Any other status.
    case status = "Status"
    /// Not the API of Prometheus: HTML, other JSON, or no JSON.
    case notTheAPI = "NotTheAPI"
    /// The response ended before its document did.
    case incomplete = "Incomplete"
    case tooLarge = "TooLarge"
    /// The API reports an error of its own.
    case refused = "Refused"
    /// Our own fault: invalid URL, unreadable credentials, too many requests at once.
    case unsent = "Unsent"
  }

  package var kind: Kind
  /// The URL that was asked, without secrets and query.
  package var url: String
  /// What happened.
  package var detail: String

  package init(_ kind: Kind, url: String, _ detail: String) {
    self.kind = kind
    self.url = url
    self.detail = detail
  }
}

extension ScraperError: CustomStringConvertible {
  package var description: String { "GET \(url): \(detail); \(advice)" }

  /// What to do.
  private var advice: String {
    switch kind {
    case .unreachable: "check that the scraper runs and that no NetworkPolicy blocks the controller"
    case .timeout: "check the scraper's load"
    case .tls: "check the authority and the client certificate for this scraper"
    case .unauthorized: "check the headers file for this scraper"
    case .redirected: "name the URL that it redirects to"
    case .status: "check the scraper's URL, with the path prefix of its --web.external-url or --web.route-prefix, and its log"
    case .notTheAPI: "check that the URL is that of a Prometheus, an agent or a vmagent"
    case .incomplete: "check proxies between the controller and the scraper, and the scraper's memory"
    case .tooLarge: "divide the scraper into shards"
    case .refused: "see the scraper's log"
    case .unsent: "see the controller's settings for this scraper"
    }
  }
}

extension ScraperError {
  init(_ error: HTTPTransportError, url: String) {
    let (kind, detail): (Kind, HTTPTransportError.Detail?) =
      switch error {
      case .resolve(let detail), .connect(let detail), .refusedAddress(_, let detail), .timeout(.connect, let detail):
        (.unreachable, detail)
      case .tls(let detail): (.tls, detail)
      case .timeout(.queue, let detail): (.unsent, detail)
      case .timeout(_, let detail): (.timeout, detail)
      case .tooLarge(_, let detail): (.tooLarge, detail)
      case .cut(let detail): (.incomplete, detail)
      case .malformed(let detail): (.notTheAPI, detail)
      case .badRequest(let detail), .cancelled(let detail), .shutDown(let detail): (.unsent, detail)
      case .setUp: (.unsent, nil)
      }
    let reason = detail?.reason ?? "\(error)"
    switch error {
    case .tooLarge(let limit, _): self.init(kind, url: url, "the response is larger than \(limit) bytes")
    case .timeout(let phase, _): self.init(kind, url: url, "timed out (\(phase.rawValue)): \(reason)")
    default: self.init(kind, url: url, reason)
    }
  }

  /// - Parameter status: any but 200.
  init(status: Int, location: String?, url: String) {
    let kind: Kind =
      switch status {
      case 401, 403: .unauthorized
      case 300..<400: .redirected
      default: .status
      }
    let target = location.map { " to \($0.prefix(200))" } ?? ""
    self.init(kind, url: url, kind == .redirected ? "status \(status), a redirect\(target), which is not followed" : "status \(status)")
  }

  init(_ error: TargetsScanError, url: String) {
    let kind: Kind =
      switch error {
      case .html, .malformed, .tooDeep, .notTargets: .notTheAPI
      case .incomplete: .incomplete
      case .refused: .refused
      }
    self.init(kind, url: url, "\(error)")
  }
}
