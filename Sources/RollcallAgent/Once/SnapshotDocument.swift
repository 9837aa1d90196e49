import FoundationEssentials
import LinuxCollector
import Primitives
import ProcFS
import Roll

/// A snapshot as JSON, for scripts. Unknown values are omitted.
struct SnapshotDocument: Encodable {
  private let node: String
  private let host: Host
  private let containers: [Container]
  private let namespaces: [Namespace]

  private struct Container: Encodable {
    var id: String
    var podUID: String?
    var command: String?
    /// The path of its cgroup, or of the runtime's socket.
    var place: String
    /// The index of the container's network namespace in `namespaces`.
    var namespace: Int?
    var hostNetwork: Bool?
    var reason: String?
    var detail: String?
    var filesystems: [Filesystem]?
  }

  /// Sizes are in bytes. `reason` replaces the numbers of a file system that could not be read.
  private struct Filesystem: Encodable {
    var mountPoint: String
    var device: String
    var type: String
    var size: UInt64?
    var used: UInt64?
    var available: UInt64?
    var inodes: UInt64?
    var inodesFree: UInt64?
    var reason: String?
  }

  /// Values of the whole host; memory is in pages.
  private struct Host: Encodable {
    var tcpOrphans: Int64?
    var tcpAllocated: Int64?
    var tcpMemoryPages: Int64?
    var udpMemoryPages: Int64?
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
    /// Sockets by state, for IPv4 and IPv6.
    var tcp: [String: Int64]?
    var tcp6: [String: Int64]?
    /// The same of Multipath TCP.
    var mptcpEstablished: Int64?
    var mptcp: [String: Int64]?
    var mptcp6: [String: Int64]?
    var acceptQueue: Int64?
    var acceptQueueLongest: Int64?
    var interfaces: [Interface]
  }

  private struct Interface: Encodable {
    var name: String
    var receivedBytes: UInt64?
    var sentBytes: UInt64?
  }

  init(_ snapshot: HostSnapshot, node: String) {
    let sweep = snapshot.sweep
    self.node = node
    host = Host(
      tcpOrphans: sweep.host?[.hostTCPOrphans], tcpAllocated: sweep.host?[.hostTCPAllocated],
      tcpMemoryPages: sweep.host?[.hostTCPMemoryPages], udpMemoryPages: sweep.host?[.hostUDPMemoryPages])
    let filesystems = Dictionary(uniqueKeysWithValues: (sweep.filesystems?.containers ?? []).map { ($0.id, Self.filesystems($0)) })
    containers = sweep.containers.map { container in
      var document = Container(
        id: container.id.description, podUID: container.podUID, command: snapshot.commands[container.id], place: container.origin,
        filesystems: filesystems[container.id])
      switch container.finding {
      case .namespace(let index): document.namespace = index
      case .host: document.hostNetwork = true
      case .missed(let reason, let detail):
        document.reason = reason.rawValue
        document.detail = detail
      }
      return document
    }
    namespaces = sweep.namespaces.map { reading in
      let (sockets, multipath) = (reading.sockets, reading.sockets?.multipath)
      return Namespace(
        inode: reading.namespace.inode, established: reading.snmp[.tcpCurrEstab], tcpInUse: reading.sockstat[.tcpInUse],
        tcp6InUse: reading.sockstat6?[.tcpInUse], timeWait: reading.sockstat[.tcpTimeWait], orphans: reading.sockets?.orphans,
        socketsUsed: reading.sockstat[.socketsUsed], udpInUse: reading.sockstat[.udpInUse], udp6InUse: reading.sockstat6?[.udpInUse],
        tcp: sockets.map { sockets in Self.byState { sockets.ipv4[$0] } },
        tcp6: sockets.map { sockets in Self.byState { sockets.ipv6[$0] } }, mptcpEstablished: reading.netstat[.mpCurrEstab],
        mptcp: multipath.map { sockets in Self.byState { sockets.ipv4[$0] } },
        mptcp6: multipath.map { sockets in Self.byState { sockets.ipv6[$0] } }, acceptQueue: reading.sockets?.acceptQueues.total,
        acceptQueueLongest: reading.sockets?.acceptQueues.longest,
        interfaces: reading.devices.map { Interface(name: $0.name, receivedBytes: $0.received.bytes, sentBytes: $0.sent.bytes) })
    }
  }

  private static func byState(_ number: (TCPState) -> Int64) -> [String: Int64] {
    Dictionary(uniqueKeysWithValues: TCPState.allCases.map { ($0.name, number($0)) })
  }

  private static func filesystems(_ container: ContainerFilesystems) -> [Filesystem] {
    if let failure = container.failure { return [Filesystem(mountPoint: "/", device: "", type: "", reason: failure.rawValue)] }
    return container.readings.map { reading in
      var document = Filesystem(mountPoint: reading.mountPoint, device: reading.device, type: reading.type)
      switch reading.usage {
      case .failure(let failure): document.reason = failure.rawValue
      case .success(let usage):
        (document.size, document.used, document.available) = (usage.size, usage.used, usage.available)
        (document.inodes, document.inodesFree) = (usage.inodes, usage.inodesFree)
      }
      return document
    }
  }

  func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}
