/// `/proc/<pid>/net/sockstat`: the network namespace's IPv4 sockets by protocol, and a few numbers of the whole host.
/// Source: `sockstat_seq_show` in the kernel's net/ipv4/proc.c.
package enum Sockstat: Int, KernelField {
  case socketsUsed
  case tcpInUse, tcpTimeWait
  case udpInUse, udpLiteInUse, rawInUse
  case fragmentQueues, fragmentBytes
  /// Of the whole host, in whichever namespace they are read: see `ofHost(on:)`.
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

  package var isCounter: Bool { false }

  /// The first kernel on which the number is the namespace's; `nil` if it is the whole host's on every kernel.
  ///
  /// | number | before 4.11 | 4.11 to 4.15, with 4.14 | from 4.16 on: 4.18 of EL 8, 5.x, 6.x |
  /// |---|---|---|---|
  /// | `TCP: inuse`, `UDP: inuse`, `UDPLITE`, `RAW`, `FRAG`, all of `sockstat6` | namespace | namespace | namespace |
  /// | `TCP: tw` | host | namespace | namespace |
  /// | `sockets: used` | host | host | namespace |
  /// | `TCP: orphan`, `TCP: alloc`, `TCP: mem`, `UDP: mem` | host | host | host |
  ///
  /// All counters of `snmp`, `netstat` and `net/dev` are the namespace's on each of them.
  /// Source: the commits "ipv4: Namespaceify tcp_tw_recycle and tcp_max_tw_buckets knob" (4.11) and "sock: Move the socket inuse to
  /// namespace" (4.16).
  private var ofNamespaceSince: KernelRelease? {
    switch self {
    case .hostTCPOrphans, .hostTCPAllocated, .hostTCPMemoryPages, .hostUDPMemoryPages: nil
    case .socketsUsed: KernelRelease(major: 4, minor: 16)
    case .tcpTimeWait: KernelRelease(major: 4, minor: 11)
    case .tcpInUse, .udpInUse, .udpLiteInUse, .rawInUse, .fragmentQueues, .fragmentBytes: KernelRelease(major: 2, minor: 6)
    }
  }

  /// The numbers that are the whole host's on this kernel, in whichever namespace they are read.
  package static func ofHost(on release: KernelRelease) -> [Sockstat] {
    allCases.filter { field in field.ofNamespaceSince.map { release < $0 } ?? true }
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

  package var isCounter: Bool { false }

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<Sockstat6> {
    try FieldTable(pairs: bytes)
  }
}
