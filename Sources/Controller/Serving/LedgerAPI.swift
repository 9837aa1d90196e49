internal import HTTPTypes
internal import JSON
import KubeClient
import Roll

/// The ledger as JSON.
struct LedgerAPI {
  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  func gaps() -> ServerResponse {
    if let refusal = controller.refusalWithoutLedger { return refusal }
    let reading = controller.time.reading()
    let ledger = controller.ledger.snapshot()
    // Streamed, since in a large outage every container has a gap.
    return .jsonChunks { send in
      var chunk = Array(#"{"gaps":["#.utf8)
      var isFirst = true
      for gaps in ledger.gapsByNode() {
        for gap in gaps {
          if !isFirst { chunk.append(UInt8(ascii: ",")) }
          isFirst = false
          chunk += json(of: gap, at: reading).bytes
        }
        if chunk.count > 64 << 10 {
          try await send(chunk)
          chunk = []
        }
      }
      try await send(chunk + Array("]}\n".utf8))
    }
  }

  private func json(of gap: Gap, at reading: ClockReading) -> JSONValue {
    let workload = controller.workload(gap.container)
    return [
      "namespace": .string(gap.container.namespace), "pod": .string(gap.container.pod), "container": .string(gap.container.container),
      "node": .string(gap.node), "source": .string(gap.source.rawValue), "kind": .string(gap.kind.rawValue),
      "workload": workload.map { ["kind": .string($0.kind), "name": .string($0.name)] } ?? .null,
      "reason": .string(gap.reason.rawValue), "detail": .string(gap.detail),
      "since": .string(rfc3339(reading.unixMilliseconds(of: gap.since))),
      "ageSeconds": .integer((reading.moment - gap.since).wholeMilliseconds / 1000),
    ]
  }

  func coverage() -> ServerResponse {
    if let refusal = controller.refusalWithoutLedger { return refusal }
    let nodes = controller.ledger.snapshot().coverage(at: controller.time.now)
    func sums(_ part: [NodeCoverage]) -> JSONValue {
      [
        "expected": .integer(Int64(part.reduce(0) { $0 + $1.expected })),
        "collected": .integer(Int64(part.reduce(0) { $0 + $1.collected })),
        "gaps": .integer(Int64(part.reduce(0) { $0 + $1.gaps })), "exempt": counts(part.map(\.exempt)),
        "nodes": .integer(Int64(part.count)),
      ]
    }
    var bySource: JSONValue = [:]
    for source in Source.allCases { bySource[source.rawValue] = sums(nodes.filter { $0.source == source }) }
    let scrapes = controller.coverage.status.mode == .off ? .null : controller.coverage.summary.json
    return .json(["total": sums(nodes), "sources": bySource, "scrapes": scrapes])
  }

  func nodes() -> ServerResponse {
    if let refusal = controller.refusalWithoutLedger { return refusal }
    let notes = controller.rolls.snapshot().notes
    return .json([
      "nodes": .array(
        controller.ledger.snapshot().coverage(at: controller.time.now).map { node in
          [
            "name": .string(node.node), "source": .string(node.source.rawValue), "address": node.address.map { .string($0) } ?? .null,
            "ready": .bool(node.ready), "expected": .integer(Int64(node.expected)), "collected": .integer(Int64(node.collected)),
            "gaps": .integer(Int64(node.gaps)), "exempt": counts([node.exempt]),
            "notes": .array((notes[node.node] ?? []).map { .string($0) }),
          ]
        })
    ])
  }

  private func counts(_ parts: [[Exemption: Int]]) -> JSONValue {
    var counts: JSONValue = [:]
    for exemption in Exemption.allCases {
      counts[exemption.rawValue] = .integer(Int64(parts.reduce(0) { $0 + ($1[exemption] ?? 0) }))
    }
    return counts
  }
}

extension ControllerStatus {
  /// The response while this replica has no complete ledger: an empty list would be wrong.
  var refusalWithoutLedger: ServerResponse? {
    guard rolls.snapshot().isComplete else {
      return .problem(.serviceUnavailable, "the lists of nodes and pods are not complete yet; see /readyz")
    }
    guard ledger.isComplete else {
      let leadership = leadership.status
      if leadership.isLeader {
        return .problem(.serviceUnavailable, "this replica became leader just now and its ledger is not complete yet")
      }
      return .problem(.serviceUnavailable, "this replica does not lead; \(leadership.holder.map { "\($0) does" } ?? "no replica does yet")")
    }
    return nil
  }
}
