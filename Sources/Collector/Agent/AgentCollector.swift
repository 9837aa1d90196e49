internal import FoundationEssentials
package import HTTPTransport
package import Roll
internal import Synchronization

/// Calls the roll of a Linux node by asking the agent on it. One value serves any number of nodes at once.
package final class AgentCollector: NodeCollector {
  private let transport: HTTPTransport
  private let settings: AgentCollectorSettings
  private let tls: @Sendable () -> TLSOptions?
  /// By node, the hash of the roll that its agent last answered for: it holds that one, and needs no entries to answer again.
  private let acknowledged = Mutex<[String: String]>([:])

  private let keepsConnections: @Sendable () -> Bool
  private let sockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)?

  /// - Parameters:
  ///   - tls: asked at every call, because certificates rotate; `nil` while there are none yet. Nothing is sent without them.
  ///   - keepsConnections: asked at every call, whether its connection is to be kept for the next one.
  ///   - sockets: told of the sockets of a node's pods after each call; without it agents are not asked for them.
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
      return roll.answered(report.answers, lastScrape: report.lastScrape)
    } catch {
      // What an agent that does not answer saw of Prometheus is not known, which is not the same as never.
      return roll.missed(error, lastScrape: .notObservable)
    }
  }

  /// Frees what is remembered of a node that is gone.
  package func forget(node: String) {
    acknowledged.withLock { _ = $0.removeValue(forKey: node) }
  }

  private func report(on roll: NodeRoll) async throws(Miss) -> AgentReport {
    guard let address = roll.address else {
      throw Miss(.noAgent, "the node \(roll.node) has no address in its status")
    }
    guard let tls = tls() else {
      throw Miss(.agentUnreachable, "the certificates for talking to agents are not ready yet: the leader makes them at its start")
    }
    let agentHoldsRoll = acknowledged.withLock { $0[roll.node] == roll.hash }
    var response = try await post(roll, withEntries: !agentHoldsRoll, to: address, tls: tls)
    if response.status == 409, agentHoldsRoll {
      // It was restarted.
      forget(node: roll.node)
      response = try await post(roll, withEntries: true, to: address, tls: tls)
    }
    guard response.status == 200 else {
      throw Miss(.unknown, "the agent at \(address) answered with status \(response.status): \(excerpt(of: response.body))")
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
          node: roll.node, hash: roll.hash, entries: withEntries ? Array(roll.entries) : nil, wantsSockets: sockets == nil ? nil : true))
    } catch {
      throw Miss(.unknown, "cannot write the roll of \(roll.node) as JSON: \(error)")
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
      // The URL in the error names every agent alike.
      throw Miss(error, reasons: .agent).at("agent at \(address):\(settings.port)")
    }
  }
}

extension Miss {
  fileprivate func at(_ place: String) -> Miss {
    Miss(reason, "\(place): \(detail)")
  }
}

/// How agents are called.
package struct AgentCollectorSettings: Hashable, Sendable {
  /// The agent's port for the roll, behind mutual TLS.
  package var port = 9754
  /// The name in the agent's certificate; nodes have too many addresses to put them there.
  package var serverName = "rollcall-agent"
  /// For one call from connecting to the last byte.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  /// A report has about 30 bytes a container, more where it says why one was missed.
  package var maximumReportBytes = 4 << 20

  package init() {}
}
