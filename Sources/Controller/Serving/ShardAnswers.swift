internal import HTTPTransport
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import Primitives

/// Answers requests about every shard, by asking the replicas that lead the others. What concerns one node is relayed from the leader of
/// its shard; lists and sums are made of the parts of all, and say which parts are missing.
///
/// Metrics stay those of the replica that is asked: Prometheus scrapes each.
struct ShardAnswers {
  typealias Own = (Request) async -> ServerResponse

  /// Sums and single objects are small.
  private static let maximumPartBytes = 16 << 20
  /// The number of groups of scrapes that are held at a time, about 100 MB.
  private static let maximumGroups = 100_000
  private static let header = HTTPField.Name(ShardPeers.header)

  let peers: ShardPeers
  /// How long a whole answer may take.
  let limit: Duration

  /// - Parameter own: answers for this replica's shard.
  func response(to request: Request, _ route: Route, own: Own) async -> ServerResponse {
    if let header = Self.header, request.headers[header] != nil { return await own(request) }
    switch route {
    case .page, .asset, .livez, .readyz, .metrics, .targets: return await own(request)
    case .cadvisor, .resource, .summary, .probe:
      guard let node = request.uri.queryParameters["node"], !node.isEmpty else { return await own(request) }
      return await ofNode(String(node), request, own)
    case .exporter(let node, _): return await ofNode(node, request, own)
    case .rulesWithoutData: return await ofShard(0, request, own)
    case .policies:
      let parameters = request.uri.queryParameters
      // A Pod is known to the shard of its node only.
      let isAboutPod = parameters["namespace"] != nil || parameters["pod"] != nil
      return isAboutPod ? await first(request, own) : await ofShard(0, request, own)
    case .policyTest: return await trial(request, own)
    case .gaps: return await list("gaps", request, own)
    case .nodes: return await list("nodes", request, own)
    case .coverage: return await sums(request, own)
    case .explain: return await first(request, own)
    case .scrapes: return await scrapes(request, own)
    }
  }

  // MARK: One shard

  private func ofNode(_ node: String, _ request: Request, _ own: Own) async -> ServerResponse {
    await ofShard(NodeShard.index(of: node.utf8, among: peers.shard.count), request, own)
  }

  /// The answer of the shard's leader, unchanged.
  private func ofShard(_ index: Int, _ request: Request, _ own: Own) async -> ServerResponse {
    guard index == peers.shard.index else { return await relayed(request, ofShard: index) }
    let answer = await own(request)
    // If another replica leads our shard, it knows what this one does not.
    return answer.status == .serviceUnavailable && !peers.isLeader() ? await relayed(request, ofShard: index) : answer
  }

  private func relayed(_ request: Request, ofShard index: Int) async -> ServerResponse {
    do throws(ShardProblem) {
      let stream = try await peers.relay(request.target, ofShard: index, headers: request.relayedHeaders, within: limit)
      var response = ServerResponse(
        status: .init(code: stream.status), contentType: stream.header("Content-Type") ?? "text/plain",
        body: .chunks { write in for try await chunk in stream.body { try await write(chunk) } })
      if let encoding = stream.header("Content-Encoding") { response.headers[.contentEncoding] = encoding }
      return response
    } catch {
      return .problem(.serviceUnavailable, "\(error)")
    }
  }

  /// What policies would change is computed with the containers of our own shard, and the answer says so.
  private func trial(_ request: Request, _ own: Own) async -> ServerResponse {
    let answer = await own(request)
    guard answer.status == .ok, case .whole(let bytes) = answer.body, var json = try? JSONValue(parsing: bytes) else { return answer }
    let others = (0..<peers.shard.count).filter { $0 != peers.shard.index }
    json["shards"] = reached(
      without: others.map { ShardProblem(shard: $0, reason: "policies are tried in the shard of the replica that is asked only") })
    return .json(json)
  }

  // MARK: Every shard

  /// The part of a shard.
  private enum Part {
    case own(ServerResponse)
    case peer(HTTPStream)

    func forEachChunk(_ body: ([UInt8]) async throws -> Void) async throws {
      switch self {
      case .own(let response):
        switch response.body {
        case .whole(let bytes): try await body(bytes)
        case .chunks(_, let produce): try await produce(body)
        }
      case .peer(let stream):
        for try await chunk in stream.body { try await body(chunk) }
      }
    }

    func json() async throws -> JSONValue {
      var bytes: [UInt8] = []
      try await forEachChunk { chunk in
        bytes += chunk
        guard bytes.count <= ShardAnswers.maximumPartBytes else { throw PartError.tooLarge }
      }
      return try JSONValue(parsing: bytes)
    }
  }

  private enum PartError: Error {
    case tooLarge
    /// Not the list that was asked for: a replica of another version.
    case unexpected
  }

  /// Asks every shard at once.
  /// - Parameter excluded: shards not to ask.
  /// - Returns: the parts with status 200 in order of the shards, and why the others are missing. Those with status 404 know nothing of what
  ///   was asked, which is an answer as well.
  private func parts(
    _ request: Request, _ own: Own, without excluded: Set<Int> = []
  ) async -> (found: [Part], unknown: ServerResponse?, missing: [ShardProblem]) {
    let target = request.target
    let others = (0..<peers.shard.count).filter { $0 != peers.shard.index && !excluded.contains($0) }
    async let asked = ask(others, target)
    var parts: [Int: Part] = [:]
    var unknown: ServerResponse?
    var missing: [ShardProblem] = []
    let response = await own(request)
    var answers = await asked
    if response.status == .ok {
      parts[peers.shard.index] = .own(response)
    } else if response.status == .notFound {
      unknown = response
    } else if response.status.kind == .clientError {
      // It is wrong in every shard.
      return ([], response, [])
    } else if !excluded.contains(peers.shard.index) {
      // Another replica leads our own shard.
      answers += await ask([peers.shard.index], target)
    }
    for (index, answer) in answers {
      switch answer {
      case .success(let stream) where stream.status == 200: parts[index] = .peer(stream)
      case .success(let stream) where stream.status == 404:
        if unknown == nil { unknown = .problem(.notFound, "no shard knows it") }
      case .success(let stream): missing.append(ShardProblem(shard: index, reason: "its replica answers with HTTP \(stream.status)"))
      case .failure(let problem): missing.append(problem)
      }
    }
    missing.sort { $0.shard < $1.shard }
    return (parts.sorted { $0.key < $1.key }.map(\.value), unknown, missing)
  }

  private func ask(_ shards: [Int], _ target: String) async -> [(Int, Result<HTTPStream, ShardProblem>)] {
    await withTaskGroup { group in
      for index in shards {
        group.addTask { () -> (Int, Result<HTTPStream, ShardProblem>) in
          do throws(ShardProblem) {
            return (index, .success(try await peers.open(target, ofShard: index, within: limit)))
          } catch {
            return (index, .failure(error))
          }
        }
      }
      var answers: [(Int, Result<HTTPStream, ShardProblem>)] = []
      for await answer in group { answers.append(answer) }
      return answers
    }
  }

  /// The member of every answer that says how much of the cluster it covers.
  private func reached(without missing: [ShardProblem]) -> JSONValue {
    [
      "count": .integer(Int64(peers.shard.count)), "answered": .integer(Int64(peers.shard.count - missing.count)),
      "missing": .array(missing.map { ["shard": .integer(Int64($0.shard)), "error": .string($0.reason)] }),
    ]
  }

  private func nobody(_ missing: [ShardProblem]) -> ServerResponse {
    .problem(.serviceUnavailable, "no shard answers: \(missing.map(\.description).joined(separator: "; "))")
  }

  /// The elements of `{"NAME":[…]}` of all shards. Streamed, since in a large outage every container has a gap.
  private func list(_ name: String, _ request: Request, _ own: Own) async -> ServerResponse {
    let (found, refused, missing) = await parts(request, own)
    if found.isEmpty { return refused ?? nobody(missing) }
    let trailer = Array("],\"shards\":".utf8) + reached(without: missing).bytes + Array("}\n".utf8)
    return .jsonChunks { write in
      var join = ListJoin(name: name)
      try await write(join.opening)
      for part in found {
        try await part.forEachChunk { chunk in
          let elements = try join.take(chunk)
          if !elements.isEmpty { try await write(elements) }
        }
        try join.endPart()
      }
      try await write(trailer)
    }
  }

  /// The sums of the numbers of all shards.
  private func sums(_ request: Request, _ own: Own) async -> ServerResponse {
    let (found, refused, missing) = await parts(request, own)
    do {
      var total: JSONValue?
      for part in found {
        let json = try await part.json()
        total = total.map { $0.adding(json) } ?? json
      }
      guard var total else { return refused ?? nobody(missing) }
      total["shards"] = reached(without: missing)
      return .json(total)
    } catch {
      return .problem(.badGateway, "the answer of a shard cannot be read: \(error)")
    }
  }

  /// The answer of the shard that knows the object.
  private func first(_ request: Request, _ own: Own) async -> ServerResponse {
    let (found, unknown, missing) = await parts(request, own)
    do {
      if let part = found.first { return .json(try await part.json()) }
    } catch {
      return .problem(.badGateway, "the answer of a shard cannot be read: \(error)")
    }
    if missing.isEmpty, let unknown { return unknown }
    return .problem(
      .serviceUnavailable, "it may be on a node of a shard that does not answer: \(missing.map(\.description).joined(separator: "; "))")
  }

  /// One page of the groups of all shards. A workload's containers are on nodes of several shards: their counts are added.
  private func scrapes(_ request: Request, _ own: Own) async -> ServerResponse {
    // Checks limit and offset, and is the answer without groups.
    let answer = await own(request)
    if answer.status.kind == .clientError { return answer }
    let (limit, offset) = ScrapeAPI.page(of: request)
    var groups: [JSONValue] = []
    var indices: [JSONValue: Int] = [:]
    var rest: JSONValue?
    var missing: [Int: ShardProblem] = [:]
    var from = 0
    do {
      repeat {
        var next = 0
        let (found, refused, failed) = await parts(
          request.asking(ScrapeAPI.largestPage(of: request, from: from)), own, without: Set(missing.keys))
        if found.isEmpty, rest == nil { return refused ?? nobody(failed) }
        for problem in failed { missing[problem.shard] = problem }
        for part in found {
          var json = try await part.json()
          for group in json["scrapes"]?.array ?? [] {
            var key = group
            for member in ["count", "example", "detail"] { key[member] = nil }
            if let index = indices[key] {
              groups[index]["count"] = .integer((groups[index]["count"]?.integer ?? 0) + (group["count"]?.integer ?? 0))
            } else {
              indices[key] = groups.count
              groups.append(group)
            }
          }
          next = max(next, Int(json["next"]?.integer ?? 0))
          json["scrapes"] = nil
          if rest == nil { rest = json }
        }
        guard next == 0 || next > from else { throw PartError.unexpected }
        guard groups.count <= Self.maximumGroups else {
          return .problem(
            .unprocessableContent,
            "the shards have more than \(Self.maximumGroups) groups; ask for a namespace, workload, monitor, reason or state")
        }
        from = next
      } while from > 0
    } catch {
      return .problem(.badGateway, "the answer of a shard cannot be read: \(error)")
    }
    var result = rest ?? [:]
    let page = groups.dropFirst(offset).prefix(limit)
    let next = offset + page.count
    result["total"] = .integer(Int64(groups.count))
    result["scrapes"] = .array(Array(page))
    result["next"] = page.isEmpty || next >= groups.count ? .null : .integer(Int64(next))
    result["shards"] = reached(without: missing.values.sorted { $0.shard < $1.shard })
    return .json(result)
  }
}

extension JSONValue {
  /// Adds the numbers at the same places. Of everything else the first stays, and of the scrapers, which every shard asks, the larger number.
  fileprivate func adding(_ other: JSONValue, named name: String = "") -> JSONValue {
    switch (self, other) {
    case (.integer(let left), .integer(let right)): return .integer(name == "scrapers" ? max(left, right) : left + right)
    case (.object(let left), .object(let right)):
      var sums = left
      for (member, value) in right {
        let inherited = name == "scrapers" ? name : member
        sums[member] = left[member].map { $0.adding(value, named: inherited) } ?? value
      }
      return .object(sums)
    case (.null, _): return other
    default: return self
    }
  }
}

extension Request {
  fileprivate func asking(_ target: String) -> Request {
    var head = head
    head.path = target
    return Request(head: head, body: body)
  }

  /// What the answer to a scrape depends on.
  fileprivate var relayedHeaders: [HTTPHeader] {
    [HTTPField.Name.accept, .acceptEncoding, .userAgent, ProbeRequest.timeoutHeader].compactMap { name in
      name.flatMap { name in headers[name].map { HTTPHeader(name.rawName, $0) } }
    }
  }
}
