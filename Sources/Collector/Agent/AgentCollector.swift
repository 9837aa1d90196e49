internal import FoundationEssentials
package import HTTPTransport
package import Roll
internal import Synchronization

/// Calls the roll of a Linux node by sending it to the node's agent. One instance serves any number of nodes concurrently.
package final class AgentCollector: NodeCollector {
  private let transport: HTTPTransport
  private let settings: AgentCollectorSettings
  private let tls: @Sendable () -> TLSOptions?
  /// By node, the hash of the last roll that its agent answered. The agent still holds that roll, so a call sends only the hash.
  private let acknowledged = Mutex<[String: String]>([:])

  private let keepsConnections: @Sendable () -> Bool
  private let sockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)?

  /// - Parameters:
  ///   - tls: read at every call, because certificates rotate. While it returns `nil`, nothing is sent.
  ///   - keepsConnections: read at every call: whether the connection stays open for the next one.
  ///   - sockets: receives the sockets of a node's pods after each call. If `nil`, agents are not asked for them.
  package init(
    transport: HTTPTransport, settings: AgentCollectorSettings, tls: @escaping @Sendable () -> TLSOptions?,
    keepsConnections: @escaping @Sendable () -> Bool = { true },
    sockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)? = nil
  ) {
    self.transport = transport
    self.settings = settings
    self.tls = tls
    self.keepsConnections = keepsConnections
    self.sockets = sockets
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    do throws(Miss) {
      let report = try await report(on: roll)
      return roll.answered(report.answers, lastScrape: settings.scrapers == .none ? .notExpected : report.lastScrape)
    } catch {
      // Without an answer the agent's last scrape is unknown, which is not the same as never.
      return roll.missed(error, lastScrape: .notObservable)
    }
  }

  /// Frees the state of a deleted node.
  package func forget(node: String) {
    acknowledged.withLock { _ = $0.removeValue(forKey: node) }
  }

  private func report(on roll: NodeRoll) async throws(Miss) -> AgentReport {
    guard let address = roll.address else {
      throw Miss(.noAgent, "the node \(roll.node) has no usable address in its status")
    }
    guard let tls = tls() else {
      throw Miss(.agentUnreachable, "the certificates for calling agents are not ready yet: the leader creates them when it starts")
    }
    let agentHoldsRoll = acknowledged.withLock { $0[roll.node] == roll.hash }
    var response = try await post(roll, withEntries: !agentHoldsRoll, to: address, tls: tls)
    if response.conflict?.code == .unknownRoll, agentHoldsRoll {
      // The agent restarted and lost the roll.
      forget(node: roll.node)
      response = try await post(roll, withEntries: true, to: address, tls: tls)
    }
    if let conflict = response.conflict, conflict.code == .wrongNode {
      throw Miss(.wrongNode, "the agent at \(address): \(excerpt(of: Array(conflict.detail.utf8), limit: 512))")
    }
    guard response.status == 200 else {
      throw Miss(.unknown, "the agent at \(address) responded with status \(response.status): \(excerpt(of: response.body))")
    }
    let report = try AgentReport(response.body, for: roll)
    acknowledged.withLock { $0[roll.node] = roll.hash }
    if let sockets, !report.sockets.isEmpty { sockets(report.sockets, roll.node) }
    return report
  }

  private func post(
    _ roll: NodeRoll, withEntries: Bool, to address: String, tls: TLSOptions
  ) async throws(Miss) -> HTTPResponse {
    let body: Data
    do {
      body = try JSONEncoder().encode(
        RollRequest(
          node: roll.node, hash: roll.hash, entries: withEntries ? Array(roll.entries) : nil, wantsSockets: sockets == nil ? nil : true,
          scrapers: settings.scrapers.names))
    } catch {
      throw Miss(.unknown, "cannot encode the roll of \(roll.node) as JSON: \(error)")
    }
    var request = HTTPRequest(method: "POST", url: "https://\(settings.serverName):\(settings.port)/v1/roll")
    request.headers = [HTTPHeader("Content-Type", "application/json")]
    request.body = Array(body)
    request.deadline = settings.deadline
    request.connectTimeout = settings.connectTimeout
    request.maximumBodyBytes = settings.maximumReportBytes
    request.keepsConnection = keepsConnections()
    request.tls = tls
    request.connectTo = ConnectTo(host: address, port: settings.port)
    do {
      return try await transport.send(request)
    } catch {
      // The URL in the error is the same for all agents.
      let miss = Miss(error, reasons: .agent)
      throw Miss(miss.reason, "agent at \(address):\(settings.port): \(miss.detail)")
    }
  }
}

/// How agents are called.
package struct AgentCollectorSettings: Hashable, Sendable {
  /// The agent's port for roll calls, behind mutual TLS.
  package var port = 9754
  /// The name in the agent's certificate. Nodes have too many addresses to list them there.
  package var serverName = "rollcall-agent"
  /// For one call, from connecting to the last byte.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  /// A report takes about 30 bytes a container, more for a missed one.
  package var maximumReportBytes = 4 << 20
  /// Whose requests for an agent's metrics count as scrapes.
  package var scrapers = Scrapers.common

  package init() {}
}

extension HTTPResponse {
  /// Why an agent did not call the roll. Agents up to 0.1 do not say: they only know one reason.
  fileprivate var conflict: RollConflict? {
    guard status == 409 else { return nil }
    return (try? JSONDecoder().decode(RollConflict.self, from: Data(body)))
      ?? RollConflict(.unknownRoll, detail: excerpt(of: body))
  }
}

extension Scrapers {
  fileprivate var names: [String]? {
    if case .named(let names) = self { names } else { nil }
  }
}
