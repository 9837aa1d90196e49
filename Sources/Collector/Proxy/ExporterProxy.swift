internal import Exposition
package import HTTPTransport
internal import Roll

/// Relays responses of windows_exporter, unchanged or with the container names that they lack. Whatever else answers at a node's address is
/// not shown: if a response is not an exposition, clients see the status and the problem.
package struct ExporterProxy: Sendable {
  private let transport: HTTPTransport
  private let requests: ExporterRequests
  private let fetches: SharedFetches<ExporterScrapeRequest>
  private let names: @Sendable (String) -> ContainerNames

  /// - Parameter names: the current names of a node's containers.
  package init(
    transport: HTTPTransport, settings: WindowsSettings, fetches: SharedFetches<ExporterScrapeRequest>,
    names: @escaping @Sendable (_ node: String) -> ContainerNames
  ) {
    self.transport = transport
    requests = ExporterRequests(settings)
    self.fetches = fetches
    self.names = names
  }

  /// Starts the scrape, or joins an equal one whose response has not begun.
  package func scrape(_ request: ExporterScrapeRequest) throws(Miss) -> SharedScrapeReader {
    let timing = ScrapeTiming(timeout: request.timeout ?? requests.settings.deadline)
    return try fetches.fetch(request, until: .now + timing.deadline) { scrape, waited in
      do throws(Miss) {
        try await fetch(request, timing.after(waited), into: scrape)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
  }

  private func fetch(_ wanted: ExporterScrapeRequest, _ timing: ScrapeTiming, into scrape: SharedScrape) async throws(Miss) {
    let end = scrape.deadline
    let request = try requests.request(
      node: wanted.node, address: wanted.address, endpoint: wanted.endpoint, deadline: timing.deadline, announced: timing.announced)
    switch wanted.form {
    case .status:
      let stream = try await open(request)
      defer { stream.cancel() }
      try await relay(status: stream.status, to: scrape, until: end)
    case .unchanged(let isCompressed):
      try await relay(try await open(request), to: scrape, isCompressed: isCompressed, until: end)
    case .named(let isCompressed):
      try await rewrite(try await open(request), to: scrape, names(wanted.node), isCompressed: isCompressed, until: end)
    }
  }

  private func relay(status: Int, to scrape: SharedScrape, until end: ContinuousClock.Instant) async throws(Miss) {
    guard !(300..<400).contains(status) else {
      throw Miss(.badExposition, "windows_exporter responded with status \(status); redirects are not followed")
    }
    scrape.begin(ScrapeHead(status: status, contentType: "text/plain; charset=utf-8"))
    try await scrape.append(Array("windows_exporter responded with status \(status)\n".utf8), until: end)
  }

  /// Passes lines on once they are checked, and the first ones only with the first sample: other texts have comments as well.
  private func relay(
    _ stream: HTTPStream, to scrape: SharedScrape, isCompressed: Bool, until end: ContinuousClock.Instant
  ) async throws(Miss) {
    guard stream.status == 200 else {
      stream.cancel()
      return try await relay(status: stream.status, to: scrape, until: end)
    }
    var encoder = try ContentEncoder(isGzip: isCompressed)
    let head = ScrapeHead(status: 200, contentType: ExpositionFormat.text.contentType, contentEncoding: encoder.contentEncoding)
    var check = ExpositionCheck(limits: requests.settings.limits)
    var hasBegun = false
    var body = stream.body.makeAsyncIterator()
    while let chunk = try await next(&body) {
      let output = encoder.encode(try check.take(chunk), isLast: false)
      if output.isEmpty { continue }
      if !hasBegun { scrape.begin(head) }
      hasBegun = true
      try await scrape.append(output, until: end)
    }
    let rest = encoder.encode(try check.finish(), isLast: true)
    if !hasBegun { scrape.begin(head) }
    if !rest.isEmpty { try await scrape.append(rest, until: end) }
  }

  /// Delays the head until there is a first chunk, so that an early failure becomes an error status.
  private func rewrite(
    _ stream: HTTPStream, to scrape: SharedScrape, _ names: ContainerNames, isCompressed: Bool, until end: ContinuousClock.Instant
  ) async throws(Miss) {
    guard stream.status == 200 else {
      throw Miss(.badExposition, "windows_exporter responded with status \(stream.status) instead of 200")
    }
    var encoder = try ContentEncoder(isGzip: isCompressed)
    let head = ScrapeHead(status: 200, contentType: ExpositionFormat.text.contentType, contentEncoding: encoder.contentEncoding)
    var rewriter = ExpositionRewriter(names, limits: requests.settings.limits, rejectsDuplicates: true)
    do throws(Miss) {
      rewriter.begin(try ExpositionFormat(of: stream.header("Content-Type"), from: "the response of windows_exporter"))
    } catch {
      stream.cancel()
      throw error
    }
    var hasBegun = false
    var body = stream.body.makeAsyncIterator()
    while let chunk = try await next(&body) {
      var output: [UInt8] = []
      // Three more labels about double a line's length.
      output.reserveCapacity(chunk.count * 2)
      do throws(ExpositionError) {
        try chunk.span.withUnsafeBytes { bytes throws(ExpositionError) in try rewriter.rewrite(bytes, into: &output) }
      } catch {
        throw Miss(relaying: error)
      }
      output = encoder.encode(output, isLast: false)
      if output.isEmpty { continue }
      if !hasBegun { scrape.begin(head) }
      hasBegun = true
      try await scrape.append(output, until: end)
    }
    var last: [UInt8] = []
    do throws(ExpositionError) {
      try rewriter.finish(into: &last)
    } catch {
      throw Miss(relaying: error)
    }
    if !hasBegun { scrape.begin(head) }
    let rest = encoder.encode(last, isLast: true)
    if !rest.isEmpty { try await scrape.append(rest, until: end) }
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

/// A client's scrape of a node's exporter. Equal scrapes can share a response.
package struct ExporterScrapeRequest: Hashable, Sendable {
  package var node: String
  /// An IP address or a DNS name. `nil` if the API server has none.
  package var address: String?
  package var endpoint: ExporterEndpoint
  /// The client's timeout. `nil` if unknown.
  package var timeout: Duration?
  package var form: Form

  /// How the response is relayed.
  package enum Form: Hashable, Sendable {
    /// Only the status.
    case status
    /// The exporter's text.
    case unchanged(isCompressed: Bool)
    /// In the text format 0.0.4, with the node and the names of containers added.
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

extension Miss {
  /// Quotes nothing of the body, which may come from another service.
  fileprivate init(relaying error: ExpositionError) {
    switch error {
    case .malformed(let line, _): self.init(.badExposition, "line \(line) of the response of windows_exporter is not in the text format")
    case .tooLarge: self.init(error, from: "the response of windows_exporter")
    }
  }
}

/// Checks that a body is an exposition, and returns its valid part.
private struct ExpositionCheck {
  private struct Visitor: ExpositionVisitor {
    var hasSample = false

    func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .keep(0) }
    func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8) {}
    func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {}
    func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {}
    mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) { hasSample = true }
  }

  private var parser: ExpositionParser
  private var visitor = Visitor()
  /// What cannot be returned yet.
  private var held: [UInt8] = []

  init(limits: ExpositionLimits) {
    parser = ExpositionParser(limits: limits)
    parser.begin()
  }

  /// - Returns: the checked lines.
  mutating func take(_ chunk: [UInt8]) throws(Miss) -> [UInt8] {
    do throws(ExpositionError) {
      try chunk.span.withUnsafeBytes { bytes throws(ExpositionError) in try parser.parse(bytes, &visitor) }
    } catch {
      throw Miss(relaying: error)
    }
    held += chunk
    guard visitor.hasSample, let last = held.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
    let checked = Array(held[...last])
    held.removeFirst(checked.count)
    return checked
  }

  /// - Returns: the rest of a valid body.
  mutating func finish() throws(Miss) -> [UInt8] {
    do throws(ExpositionError) {
      try parser.finish(&visitor)
    } catch {
      throw Miss(relaying: error)
    }
    return held
  }
}

/// Divides a client's timeout, so that each party times out before the one it serves.
struct ScrapeTiming {
  /// The timeout announced to the exporter. It reserves half a second of that, aborts slow collectors and responds with the others.
  private(set) var announced: Duration
  /// When we abort the request, early enough to still respond to the client.
  private(set) var deadline: Duration

  init(timeout: Duration) {
    // One margin for each of the two hops. Short timeouts cannot spare half a second.
    let margin = min(.milliseconds(500), timeout / 10)
    announced = timeout - margin
    deadline = timeout - margin / 2
  }

  /// The remaining time after a wait.
  func after(_ waited: Duration) -> ScrapeTiming {
    var left = self
    left.announced = max(announced - waited, .milliseconds(1))
    left.deadline = max(deadline - waited, .milliseconds(1))
    return left
  }
}
