/// `/proc/<pid>/net/sockstat`: sockets of the network namespace by protocol, IPv4, and a few numbers of the whole host.
/// Source: `sockstat_seq_show` in the kernel's net/ipv4/proc.c.
package enum Sockstat: Int, KernelField {
  case socketsUsed
  case tcpInUse, tcpTimeWait
  case udpInUse, udpLiteInUse, rawInUse
  case fragmentQueues, fragmentBytes
  /// Of the whole host, whatever namespace they are read in.
  case hostTCPOrphans, hostTCPAllocated, hostTCPMemoryPages, hostUDPMemoryPages

  package var line: StaticString {
    switch self {
    case .socketsUsed: "sockets"
    case .tcpInUse, .tcpTimeWait, .hostTCPOrphans, .hostTCPAllocated, .hostTCPMemoryPages: "TCP"
    case .udpInUse, .hostUDPMemoryPages: "UDP"
    case .udpLiteInUse: "UDPLITE"
    case .rawInUse: "RAW"
    case .fragmentQueues, .fragmentBytes: "FRAG"
    }
  }

  package var key: StaticString {
    switch self {
    case .socketsUsed: "used"
    case .tcpInUse, .udpInUse, .udpLiteInUse, .rawInUse, .fragmentQueues: "inuse"
    case .tcpTimeWait: "tw"
    case .fragmentBytes: "memory"
    case .hostTCPOrphans: "orphan"
    case .hostTCPAllocated: "alloc"
    case .hostTCPMemoryPages, .hostUDPMemoryPages: "mem"
    }
  }

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<Sockstat> {
    try FieldTable(pairs: bytes)
  }
}
