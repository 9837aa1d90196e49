import FoundationEssentials
import LinuxCollector
import ProcFS
import Roll

/// A sweep as JSON, for scripts. What is not known is left out.
struct SweepDocument: Encodable {
  private let node: String
  private let containers: [Container]
  private let namespaces: [Namespace]

  private struct Container: Encodable {
    var id: String
    var podUID: String?
    var place: String
    /// The container's place in `namespaces`.
    var namespace: Int?
    var hostNetwork: Bool?
    var reason: String?
    var detail: String?
  }

  private struct Namespace: Encodable {
    var inode: UInt64
    var established: Int64?
    var tcpInUse: Int64?
    var tcp6InUse: Int64?
    var timeWait: Int64?
    var orphans: Int64?
    var socketsUsed: Int64?
    var udpInUse: Int64?
    var udp6InUse: Int64?
    /// By state, IPv4 and IPv6.
    var tcp: [String: Int64]?
    var tcp6: [String: Int64]?
    var acceptQueue: Int64?
    var acceptQueueLongest: Int64?
    var interfaces: [Interface]
  }

  private struct Interface: Encodable {
    var name: String
    var receivedBytes: Int64
    var sentBytes: Int64
  }

  init(_ sweep: Sweep, node: String) {
    self.node = node
    containers = sweep.containers.map { container in
      var document = Container(id: container.id.description, podUID: container.podUID, place: container.place)
      switch container.finding {
      case .namespace(let place): document.namespace = place
      case .host: document.hostNetwork = true
      case .missed(let reason, let detail):
        document.reason = reason.rawValue
        document.detail = detail
      }
      return document
    }
    namespaces = sweep.namespaces.map { reading in
      func states(_ family: SocketCounts.Family) -> [String: Int64]? {
        reading.sockets.map { sockets in
          Dictionary(uniqueKeysWithValues: TCPState.allCases.map { ($0.name, sockets[family][$0]) })
        }
      }
      return Namespace(
        inode: reading.namespace.inode, established: reading.snmp[.tcpCurrEstab], tcpInUse: reading.sockstat[.tcpInUse],
        tcp6InUse: reading.sockstat6?[.tcpInUse], timeWait: reading.sockstat[.tcpTimeWait], orphans: reading.sockets?.orphans,
        socketsUsed: reading.sockstat[.socketsUsed], udpInUse: reading.sockstat[.udpInUse], udp6InUse: reading.sockstat6?[.udpInUse],
        tcp: states(.ipv4), tcp6: states(.ipv6), acceptQueue: reading.sockets?.acceptQueues.total,
        acceptQueueLongest: reading.sockets?.acceptQueues.longest,
        interfaces: reading.devices.map { Interface(name: $0.name, receivedBytes: $0.received.bytes, sentBytes: $0.sent.bytes) })
    }
  }

  func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}
