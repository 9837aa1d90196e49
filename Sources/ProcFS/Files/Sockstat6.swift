/// `/proc/<pid>/net/sockstat6`: sockets of the network namespace by protocol, IPv6.
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
