internal import Exposition
package import HTTPTransport
internal import Roll

/// Hands pages of windows_exporter on, as they are or with the names that they lack.
package struct ExporterProxy: Sendable {
  private let transport: HTTPTransport
  private let requests: ExporterRequests
  private let fetches: SharedFetches<ExporterScrapeRequest>
  private let names: @Sendable (String) -> ContainerNames

  /// - Parameter names: what the containers of a node are called now.
  package init(
    transport: HTTPTransport, settings: WindowsSettings, fetches: SharedFetches<ExporterScrapeRequest>,
    names: @escaping @Sendable (_ node: String) -> ContainerNames
  ) {
    self.transport = transport
    requests = ExporterRequests(settings)
    self.fetches = fetches
    self.names = names
  }

  /// Begins the scrape, or joins an equal one that has just begun.
  package func page(_ scrape: ExporterScrapeRequest) throws(Miss) -> SharedScrapeReader {
    let timing = ScrapeTiming(timeout: scrape.timeout ?? requests.settings.deadline)
    return try fetches.page(scrape, until: .now + timing.deadline) { page, waited in
      do throws(Miss) {
        try await fetch(scrape, timing.after(waited), into: page)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
  }

  private func fetch(_ scrape: ExporterScrapeRequest, _ timing: ScrapeTiming, into page: SharedScrape) async throws(Miss) {
    let end = page.deadline
    var request = try requests.request(
      node: scrape.node, address: scrape.address, endpoint: scrape.endpoint, deadline: timing.deadline, told: timing.told)
    switch scrape.form {
    case .verbatim(let accept, let encoding):
      request.acceptsCompression = false
      request.headers.removeAll { $0.name == "Accept" }
      if let accept { request.headers.append(HTTPHeader("Accept", accept)) }
      if let encoding { request.headers.append(HTTPHeader("Accept-Encoding", encoding)) }
      try await handOn(try await open(request), to: page, until: end)
    case .named(let isCompressed):
      try await rewrite(try await open(request), to: page, names(scrape.node), isCompressed: isCompressed, until: end)
    }
  }

  private func handOn(_ stream: HTTPStream, to page: SharedScrape, until end: ContinuousClock.Instant) async throws(Miss) {
    guard !(300..<400).contains(stream.status) else {
      throw Miss(.badExposition, "windows_exporter answered with status \(stream.status); redirects are not followed")
    }
    page.begin(
      ScrapeHead(
        status: stream.status, contentType: stream.header("Content-Type") ?? ExpositionContentType.text,
        contentEncoding: stream.header("Content-Encoding")))
    var body = stream.body.makeAsyncIterator()
    while let piece = try await next(&body) { try await page.append(piece, until: end) }
  }

  /// The head is not written before there is something to write: what is wrong from the beginning is told by a status.
  private func rewrite(
    _ stream: HTTPStream, to page: SharedScrape, _ names: ContainerNames, isCompressed: Bool, until end: ContinuousClock.Instant
  ) async throws(Miss) {
    guard stream.status == 200 else {
      throw Miss(.badExposition, "windows_exporter answered with status \(stream.status) instead of 200")
    }
    var encoder = try ContentEncoder(isGzip: isCompressed)
    let head = ScrapeHead(status: 200, contentType: ExpositionContentType.text, contentEncoding: encoder.contentEncoding)
    var rewriter = ExpositionRewriter(names, limits: requests.settings.limits, refusesDuplicates: true)
    rewriter.begin()
    var hasBegun = false
    var body = stream.body.makeAsyncIterator()
    while let piece = try await next(&body) {
      var output: [UInt8] = []
      // Three labels a line are as much again as the line.
      output.reserveCapacity(piece.count * 2)
      do throws(ExpositionError) {
        try piece.span.withUnsafeBytes { bytes throws(ExpositionError) in try rewriter.rewrite(bytes, into: &output) }
      } catch {
        throw Miss(error, page: "the page of windows_exporter")
      }
      output = encoder.encode(output, isLast: false)
      if output.isEmpty { continue }
      if !hasBegun { page.begin(head) }
      hasBegun = true
      try await page.append(output, until: end)
    }
    do throws(ExpositionError) {
      try rewriter.finish()
    } catch {
      throw Miss(error, page: "the page of windows_exporter")
    }
    if !hasBegun { page.begin(head) }
    let rest = encoder.encode([], isLast: true)
    if !rest.isEmpty { try await page.append(rest, until: end) }
  }

  private func open(_ request: HTTPRequest) async throws(Miss) -> HTTPStream {
    do {
      return try await transport.open(request)
    } catch {
      throw Miss(error, reasons: .exporter)
    }
  }

  private func next(_ body: inout HTTPBody.Iterator) async throws(Miss) -> [UInt8]? {
    do {
      return try await body.next()
    } catch {
      throw Miss(error, reasons: .exporter)
    }
  }
}

/// One scrape of a node, as somebody asks for it. Equal scrapes can share an answer.
package struct ExporterScrapeRequest: Hashable, Sendable {
  package var node: String
  /// An IP address or a DNS name; `nil` if the API server knows none.
  package var address: String?
  package var endpoint: ExporterEndpoint
  /// How long the client waits; `nil` where it does not say.
  package var timeout: Duration?
  package var form: Form

  /// What becomes of the page.
  package enum Form: Hashable, Sendable {
    /// Nothing: the exporter sees the client's own headers, and the client the exporter's answer.
    case verbatim(accept: String?, acceptEncoding: String?)
    /// The node and the names of containers are added; what goes on is the text format 0.0.4, as it is or by gzip.
    case named(isCompressed: Bool)
  }

  package init(node: String, address: String?, endpoint: ExporterEndpoint, timeout: Duration? = nil, form: Form) {
    self.node = node
    self.address = address
    self.endpoint = endpoint
    self.timeout = timeout
    self.form = form
  }
}

/// How a client's time is shared out, so that each hears from the next before its own time is up.
struct ScrapeTiming {
  /// What the exporter is told. It keeps half a second of this for itself, gives up on slow collectors and answers with the others.
  private(set) var told: Duration
  /// When we give up on the exporter, in time to tell the client.
  private(set) var deadline: Duration

  init(timeout: Duration) {
    // For the way there and back, twice; short time-outs have no half second to spare.
    let margin = min(.milliseconds(500), timeout / 10)
    told = timeout - margin
    deadline = timeout - margin / 2
  }

  /// What is left of it.
  func after(_ waited: Duration) -> ScrapeTiming {
    var left = self
    left.told = max(told - waited, .milliseconds(1))
    left.deadline = max(deadline - waited, .milliseconds(1))
    return left
  }
}
