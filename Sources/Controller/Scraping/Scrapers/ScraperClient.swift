package import Collector
package import HTTPTransport
internal import JSON
internal import Primitives
internal import Relabeling

/// Asks one scraper (a Prometheus, a Prometheus agent, a vmagent, a Thanos Query) for its targets and for how it came to them.
///
/// Every failure is of this request only, and an error that says what was asked and what to do.
package struct ScraperClient: Sendable {
  package struct Settings: Hashable, Sendable {
    /// For one response, however long it is.
    package var deadline: Duration = .seconds(30)
    package var connectTimeout: Duration = .seconds(3)
    /// For a list of targets, which is not kept: twice the size of 50,000 targets.
    package var maximumTargetBytes = 512 << 20
    /// For all other responses, which are.
    package var maximumBytes = 16 << 20
    package var tls: TLSOptions?

    package init() {}
  }

  package let url: String
  private let transport: HTTPTransport
  private let settings: Settings
  private let headers: HeadersFile?

  /// - Parameters:
  ///   - url: with the path prefix, if the scraper has one.
  ///   - headers: such as an `Authorization`.
  package init(url: String, transport: HTTPTransport, settings: Settings = Settings(), headers: HeadersFile? = nil) {
    self.url = url
    self.transport = transport
    self.settings = settings
    self.headers = headers
  }

  /// The names of all scrape pools. `nil` if the server does not return them; it then ignores the name of a pool too.
  package func scrapePools() async throws(ScraperError) -> [String]? {
    guard let answer = try await answer(to: .scrapePools) else { return nil }
    guard let pools = answer["scrapePools"]?.array else { throw notTheAPI(.scrapePools) }
    return pools.compactMap(\.string)
  }

  /// The active targets. They are read while they arrive; the response is never in memory.
  /// - Parameter pool: `nil` for all scrape pools.
  func activeTargets(pool: String?) async throws(ScraperError) -> TargetTable {
    var table = TargetTable()
    let (_, sent) = try await scan(.activeTargets(pool: pool)) { table.append($0) }
    table.finish(sent: sent)
    return table
  }

  /// The number of dropped targets by scrape pool; `nil` if the server does not count them.
  package func droppedCounts() async throws(ScraperError) -> [String: Int]? {
    try await scan(.droppedCounts) { _ in }.summary.droppedCounts
  }

  /// How long ago the server loaded its configuration, by its own clock; `nil` if it does not tell.
  package func configurationAge() async throws(ScraperError) -> Duration? {
    guard let (answer, sent) = try await datedAnswer(to: .runtimeInformation),
      let loaded = answer["lastConfigTime"]?.string.flatMap(Timestamp.init(rfc3339:))
    else { return nil }
    return .milliseconds(max(sent.unixMilliseconds - loaded.unixMilliseconds, 0))
  }

  /// The rules that the server's release has; `nil` if it is not Prometheus. VictoriaMetrics calls itself 2.24 for the sake of Grafana,
  /// without the version of Go; Thanos has versions of its own, below 1.
  func dialect() async throws(ScraperError) -> RelabelDialect? {
    let build = try await answer(to: .buildInformation)
    let numbers = build?["version"]?.string?.split(separator: ".").prefix(2).map { Int($0) } ?? []
    guard build?["goVersion"] != nil, numbers.count == 2, let major = numbers[0], let minor = numbers[1], major >= 2 else { return nil }
    return RelabelDialect(major: major, minor: minor)
  }

  /// What the relabel rules of a pool make of a target with these labels: by the server, or, if it is too old for that, by our own
  /// evaluation of the rules in its configuration.
  /// - Parameter labels: of the target before relabelling.
  /// - Returns: `nil` if there is no such pool, or if the server's rules cannot be evaluated here.
  package func verdict(pool: String, labels: [String: String]) async throws(ScraperError) -> RelabelVerdict? {
    if let verdict = try await ownVerdict(pool: pool, labels: labels) { return verdict }
    guard let dialect = try await dialect(), let rules = try await relabelRules(pool: pool),
      let relabeler = try? Relabeler(rules, dialect: dialect)
    else { return nil }
    switch relabeler.relabel(labels) {
    case .kept: return .kept
    case .dropped(let index): return .dropped(DroppingRule(index: index, rule: rules[index], judge: .rollcall))
    }
  }

  /// The server's own verdict; `nil` if it has none.
  private func ownVerdict(pool: String, labels: [String: String]) async throws(ScraperError) -> RelabelVerdict? {
    guard let steps = try await answer(to: .relabelSteps(pool: pool, labels: labels))?["steps"]?.array else { return nil }
    // The list goes on after the step that drops the target.
    guard let index = steps.firstIndex(where: { $0["keep"]?.bool == false }) else { return .kept }
    guard let rule = steps[index]["rule"].flatMap(RelabelRule.init(configuration:)) else {
      throw notTheAPI(.relabelSteps(pool: "", labels: [:]))
    }
    return .dropped(DroppingRule(index: index, rule: rule, judge: .scraper))
  }

  /// The relabel rules of a scrape pool in the loaded configuration.
  /// - Returns: `nil` if the configuration has no such pool, or the server does not show it.
  func relabelRules(pool: String) async throws(ScraperError) -> [RelabelRule]? {
    guard let answer = try await answer(to: .configuration) else { return nil }
    guard let yaml = answer["yaml"]?.string else { throw notTheAPI(.configuration) }
    do {
      return try ScrapeConfiguration.relabelRules(pool: pool, in: yaml)
    } catch {
      throw ScraperError(.notTheAPI, url: shown(.configuration), "its configuration cannot be read: \(error)")
    }
  }

  // MARK: Metrics

  /// The syntax tree of an expression; `nil` if the server cannot tell.
  /// - Throws: `.refused` for an expression that is not valid.
  func syntaxTree(of expression: String) async throws(ScraperError) -> JSONValue? {
    try await answer(to: .syntaxTree(expression))
  }

  /// Which of these metrics have samples since that time; `nil` if the server has none at all.
  func metrics(among names: [String], since: Timestamp) async throws(ScraperError) -> [String]? {
    guard let answer = try await answer(to: .metrics(names, since: since)) else { return nil }
    guard let found = answer.array else { throw notTheAPI(.metrics([], since: since)) }
    return found.compactMap(\.string)
  }

  /// The targets from whose scrapes metric relabelling drops every sample; `nil` if the server cannot be queried.
  func emptyScrapes() async throws(ScraperError) -> Set<ScrapedInstance>? {
    guard let series = try await answer(to: .emptyScrapes)?["result"]?.array else { return nil }
    return Set(
      series.compactMap { series in
        guard let labels = series["metric"], let instance = labels["instance"]?.string else { return nil }
        return ScrapedInstance(
          instance: instance, namespace: labels["namespace"]?.string ?? "", pod: labels["pod"]?.string ?? "")
      })
  }

  // MARK: Requests

  /// The member `data` of a response. `nil` if the server does not know the path.
  private func answer(to question: ScraperRequest) async throws(ScraperError) -> JSONValue? {
    try await datedAnswer(to: question)?.data
  }

  /// The member `data` of a response, and when it was sent by the server's clock.
  private func datedAnswer(to question: ScraperRequest) async throws(ScraperError) -> (data: JSONValue, sent: Timestamp)? {
    let url = shown(question)
    let response: HTTPResponse
    do {
      response = try await transport.send(try request(question, maximumBytes: settings.maximumBytes))
    } catch let error as HTTPTransportError {
      throw ScraperError(error, url: url)
    } catch let error as ScraperError {
      throw error
    } catch {
      throw ScraperError(.unsent, url: url, "\(error)")
    }
    // vmagent: 400 with "unsupported path requested".
    if response.status == 404 || response.status == 405 || response.status == 400 && !isError(response.body) { return nil }
    guard let body = try? JSONValue(parsing: response.body) else {
      guard response.status == 200 else { throw ScraperError(status: response.status, location: response.header("Location"), url: url) }
      throw notTheAPI(question, html: response.body.first == UInt8(ascii: "<"))
    }
    if let message = body["error"]?.string { throw ScraperError(.refused, url: url, "the server reports an error: \(message.prefix(400))") }
    guard response.status == 200 else { throw ScraperError(status: response.status, location: response.header("Location"), url: url) }
    guard let data = body["data"] else { throw notTheAPI(question) }
    return (data, response.header("Date").flatMap(Timestamp.init(httpDate:)) ?? .now)
  }

  private func isError(_ body: [UInt8]) -> Bool { (try? JSONValue(parsing: body))?["errorType"] != nil }

  private func scan(
    _ question: ScraperRequest, _ found: (borrowing ScannedTarget) -> Void
  ) async throws(ScraperError) -> (summary: TargetsSummary, sent: Timestamp) {
    let url = shown(question)
    do {
      let stream = try await transport.open(try request(question, maximumBytes: settings.maximumTargetBytes))
      guard stream.status == 200 else { throw ScraperError(status: stream.status, location: stream.header("Location"), url: url) }
      var scanner = TargetsScanner()
      var pieces = stream.body.makeAsyncIterator()
      var piece: [UInt8] = []
      while true {
        piece.removeAll(keepingCapacity: true)
        guard try await pieces.append(to: &piece) else { break }
        try scanner.scan(piece, found)
      }
      return (try scanner.finish(), stream.header("Date").flatMap(Timestamp.init(httpDate:)) ?? .now)
    } catch let error as HTTPTransportError {
      throw ScraperError(error, url: url)
    } catch let error as TargetsScanError {
      throw ScraperError(error, url: url)
    } catch let error as ScraperError {
      throw error
    } catch {
      throw ScraperError(.unsent, url: url, "\(error)")
    }
  }

  private func request(_ question: ScraperRequest, maximumBytes: Int) throws(ScraperError) -> HTTPRequest {
    var request = HTTPRequest(url: question.url(at: url), deadline: settings.deadline, tls: settings.tls)
    request.headers = [HTTPHeader("Accept", "application/json")]
    if let headers {
      do {
        request.headers += try headers.headers()
      } catch {
        throw ScraperError(.unsent, url: shown(question), error.detail)
      }
    }
    request.connectTimeout = settings.connectTimeout
    request.maximumBodyBytes = maximumBytes
    request.acceptsCompression = true
    return request
  }

  private func shown(_ question: ScraperRequest) -> String { withoutUserInformation(String(question.url(at: url).prefix { $0 != "?" })) }

  private func notTheAPI(_ question: ScraperRequest, html: Bool = false) -> ScraperError {
    ScraperError(.notTheAPI, url: shown(question), html ? "\(TargetsScanError.html)" : "the response is not that of a Prometheus API")
  }
}
