internal import Collector
internal import Exposition
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import Roll

/// Serves the metrics of pods on virtual nodes like a kubelet: `/metrics/cadvisor`, `/metrics/resource` and `/stats/summary`, for all
/// virtual nodes or, with `?node=NODE`, for one.
///
/// Responses are streamed. If there is no data because nothing was collected yet or another replica is the leader, the response is 503,
/// since an empty one would look like a successful scrape.
struct VirtualMetrics {
  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  func cadvisor(_ request: Request) -> ServerResponse {
    let isScrape = controller.settings.scrapers.include(
      userAgent: request.headers[.userAgent], announcesTimeout: ProbeRequest.timeoutHeader.map { request.headers.contains($0) } ?? false)
    let names = NameForm(accept: request.headers[values: .accept])
    return respond(request) { cache, snapshot in
      let exposition = GroupedExposition(snapshot, names: names)
      var response = ServerResponse.metrics { write in
        var text = exposition
        while let chunk = text.withNextChunk({ Array($0) }) { try await write(chunk) }
        if isScrape { cache.recordScrape(of: snapshot.nodes) }
      }
      if exposition.hasQuotedNames { response.contentType = ExpositionFormat.quotedNamesContentType }
      return response
    }
  }

  func resource(_ request: Request) -> ServerResponse {
    let isOfOneNode = request.uri.queryParameters["node"] != nil
    let now = controller.time.reading().unixMilliseconds
    return respond(request) { _, snapshot in
      .metrics { write in
        for family in ResourceFamily.allCases {
          var writer = ExpositionWriter()
          writer.family(family.name, family.type, help: family.help)
          try await write(writer.bytes)
          for part in snapshot.parts(of: 256) {
            let lines = family.lines(of: part, now: now)
            if !lines.isEmpty { try await write(lines) }
          }
        }
        // A kubelet's node series have no label, so their sum over several nodes would be meaningless.
        let ofNode = isOfOneNode ? nodeResourceLines(of: snapshot, now: now) : []
        if !ofNode.isEmpty { try await write(ofNode) }
        var writer = ExpositionWriter()
        // Kubernetes 1.29 renamed scrape_error to resource_scrape_error; serve both.
        for name in ["resource_scrape_error", "scrape_error"] {
          writer.family(name, .gauge, help: "1 if there was an error while getting container metrics, 0 otherwise", value: 0)
        }
        try await write(writer.bytes)
      }
    }
  }

  func summary(_ request: Request) -> ServerResponse {
    guard request.uri.queryParameters["node"] != nil else {
      return .problem(.badRequest, "the parameter node is missing: /stats/summary?node=NAME, with the name of a virtual Node")
    }
    return respond(request) { _, snapshot in
      .jsonChunks { write in
        let name = snapshot.nodes.first ?? ""
        let uids = uids(onNode: name)
        let now = controller.time.reading().unixMilliseconds
        try await write(Array("{\"node\":".utf8) + snapshot.nodeSummary(name, now: now).bytes + Array(",\"pods\":[".utf8))
        var isFirst = true
        for part in snapshot.parts(of: 64) {
          for pod in part.summaries(now: now, uid: { uids["\($0)/\($1)"] }) {
            try await write((isFirst ? [] : [UInt8(ascii: ",")]) + pod.bytes)
            isFirst = false
          }
        }
        try await write(Array("]}\n".utf8))
      }
    }
  }

  /// The UIDs of a node's pods by namespace/name.
  private func uids(onNode name: String) -> [String: String] {
    guard let roll = controller.rolls.roll(of: name) else { return [:] }
    return Dictionary(
      roll.entries.lazy.map { ("\($0.reference.namespace)/\($0.reference.pod)", $0.podUID) }, uniquingKeysWith: { _, last in last })
  }

  private func respond(_ request: Request, _ make: (VirtualScrapeCache, VirtualSnapshot) -> ServerResponse) -> ServerResponse {
    guard let cache = controller.virtualCache else {
      return .text(
        .notFound, "the metrics of virtual nodes are pushed and not cached here; --virtual-mode both serves the basic families\n")
    }
    let rolls = controller.rolls.snapshot()
    guard rolls.isComplete else {
      return .text(.serviceUnavailable, "the lists of nodes and pods are not complete yet; see /readyz\n")
    }
    let name = request.uri.queryParameters["node"].map(String.init)
    if let name {
      guard let roll = controller.rolls.roll(of: name) else { return .text(.notFound, "there is no Node named \(name)\n") }
      guard roll.source == .virtual else {
        return .text(.notFound, "the Node \(name) is not a virtual node; its source is \(roll.source.rawValue)\n")
      }
    }
    let snapshot = cache.snapshot(of: name)
    let isDue = rolls.rolls.values.contains { $0.source == .virtual && !$0.entries.isEmpty && (name == nil || $0.node == name) }
    guard let snapshot, snapshot.scrapeCount > 0 || !isDue else {
      let leadership = controller.leadership.status
      return .text(
        .serviceUnavailable,
        leadership.isLeader
          ? "no recent data has been collected; see /api/v1/gaps for the reasons\n"
          : "this replica does not lead and has no data; \(leadership.holder.map { "\($0) leads" } ?? "no replica leads yet")\n")
    }
    return make(cache, snapshot)
  }
}
