/// `/proc/<pid>/net/sockstat`: the network namespace's IPv4 sockets by protocol, and a few numbers of the whole host.
/// Source: `sockstat_seq_show` in the kernel's net/ipv4/proc.c.
package enum Sockstat: Int, KernelField {
  case socketsUsed
  case tcpInUse, tcpTimeWait
  case udpInUse, udpLiteInUse, rawInUse
  case fragmentQueues, fragmentBytes
  /// Of the whole host, in whichever namespace they are read.
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

extension ProcessDirectory {
  package func sockstat(_ buffer: ReadBuffer) throws(ProcFSError) -> FieldTable<Sockstat> {
    try directory.read("net/sockstat", into: buffer, parse: Sockstat.parse)
  }
}

/// `/proc/<pid>/net/sockstat6`: the network namespace's IPv6 sockets by protocol.
/// Source: `sockstat6_seq_show` in the kernel's net/ipv6/proc.c.
package enum Sockstat6: Int, KernelField {
  case tcpInUse, udpInUse, udpLiteInUse, rawInUse
  case fragmentQueues, fragmentBytes

  package var line: StaticString {
    switch self {
    case .tcpInUse: "TCP6"
    case .udpInUse: "UDP6"
    case .udpLiteInUse: "UDPLITE6"
    case .rawInUse: "RAW6"
    case .fragmentQueues, .fragmentBytes: "FRAG6"
    }
  }

  package var key: StaticString {
    switch self {
    case .tcpInUse, .udpInUse, .udpLiteInUse, .rawInUse, .fragmentQueues: "inuse"
    case .fragmentBytes: "memory"
    }
  }

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<Sockstat6> {
    try FieldTable(pairs: bytes)
  }
}
