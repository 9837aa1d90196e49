/// Why a scrape failed, by the scraper's message.
package enum ScrapeFailureKind: String, CaseIterable, Hashable, Sendable {
  /// No connection, or it was closed before an answer.
  case refused = "Refused"
  case timeout = "Timeout"
  case tls = "TLS"
  /// Status 401 or 403, or the scraper cannot read its credentials.
  case unauthorized = "Unauthorized"
  case notFound = "NotFound"
  /// The answer is not an exposition.
  case badExposition = "BadExposition"
  /// The body, or the labels of a series, exceed a limit of the scrape.
  case tooLarge = "TooLarge"
  case tooManySamples = "TooManySamples"
  /// The scrape pool has more targets than its limit, so that none is scraped.
  case tooManyTargets = "TooManyTargets"
  case other = "Other"
}

extension ScrapeFailureKind {
  /// Scrapers report failures as text only. The order matters: some texts contain others.
  ///
  /// Sources: scrape/scrape.go and model/textparse of Prometheus 2.42 to 3.12; lib/promscrape of VictoriaMetrics.
  private static let patterns: [(text: String, kind: ScrapeFailureKind)] = [
    // Our own limits.
    ("sample limit exceeded", .tooManySamples), ("exceeds sample_limit=", .tooManySamples),
    ("body size limit exceeded", .tooLarge), ("label_limit exceeded", .tooLarge), ("label_name_length_limit exceeded", .tooLarge),
    ("label_value_length_limit exceeded", .tooLarge), ("exceeds -promscrape.maxScrapeSize", .tooLarge),
    ("the response body exceeds", .tooLarge), ("too big response body", .tooLarge),
    ("target_limit exceeded", .tooManyTargets),
    // Statuses.
    ("server returned HTTP status 401", .unauthorized), ("server returned HTTP status 403", .unauthorized),
    ("server returned HTTP status 404", .notFound), ("server returned HTTP status", .other),
    ("unable to read authorization credentials", .unauthorized), ("unable to read basic auth password", .unauthorized),
    // Connections.
    ("context deadline exceeded", .timeout), ("i/o timeout", .timeout), (": timeout", .timeout), ("Client.Timeout exceeded", .timeout),
    ("server gave HTTP response to HTTPS client", .tls), ("tls: ", .tls), ("x509: ", .tls),
    ("connection refused", .refused), ("no route to host", .refused), ("network is unreachable", .refused),
    ("connection reset by peer", .refused), ("host is down", .refused), ("broken pipe", .refused),
    ("no such host", .other), ("stopped after 10 redirects", .other), ("unsupported protocol scheme", .other),
    ("invalid metric name or label names", .other),
    // Contents.
    ("fallback_scrape_protocol", .badExposition), ("expected a valid start token", .badExposition),
    ("is not a valid start token", .badExposition), ("while parsing: ", .badExposition), ("invalid syntax", .badExposition),
    ("data does not end with # EOF", .badExposition), ("invalid UTF-8 label value", .badExposition),
    ("expected equal, got", .badExposition), ("expected label name", .badExposition), ("unexpected EOF", .badExposition),
    ("gzip: invalid header", .badExposition), ("cannot read Prometheus exposition", .badExposition),
  ]

  /// - Parameter message: `lastError` of a target that is down.
  package init(message: String) {
    // VictoriaMetrics: `unexpected status code returned when scraping "URL": 404; expecting 200; …`.
    if message.hasPrefix("unexpected status code returned"), let end = message.firstRange(of: "; expecting ")?.lowerBound {
      self = ["401": .unauthorized, "403": .unauthorized, "404": .notFound][message[..<end].suffix(3)] ?? .other
      return
    }
    if message.hasSuffix(": EOF") {
      self = .refused
      return
    }
    self = Self.patterns.first { message.contains($0.text) }?.kind ?? .other
  }
}

/// A failed scrape: its kind, and the scraper's own words.
package struct ScrapeFailure: Hashable, Sendable {
  package var kind: ScrapeFailureKind
  /// Empty if the table of targets has too many texts.
  package var message: String

  package init(message: String) {
    kind = ScrapeFailureKind(message: message)
    self.message = message
  }
}
