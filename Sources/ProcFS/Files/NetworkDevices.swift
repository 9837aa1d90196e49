/// The counters of one network interface: a line of `/proc/<pid>/net/dev`.
/// Source: `dev_seq_printf_stats` in the kernel's net/core/net-procfs.c.
package struct NetworkDevice: Hashable, Sendable {
  /// A value that could not be read is `nil`.
  package struct Direction: Hashable, Sendable {
    package var bytes: UInt64?
    package var packets: UInt64?
    package var errors: UInt64?
    package var dropped: UInt64?

    package init(bytes: UInt64? = nil, packets: UInt64? = nil, errors: UInt64? = nil, dropped: UInt64? = nil) {
      self.bytes = bytes
      self.packets = packets
      self.errors = errors
      self.dropped = dropped
    }
  }

  package var name: String
  package var received: Direction
  package var sent: Direction
}

/// `/proc/<pid>/net/dev`: the network namespace's interfaces, without loopback and the fallback tunnels.
package enum NetworkDevices {
  /// Loopback, and the fallback tunnels that the kernel creates in every namespace once a tunnel module is loaded.
  /// Source: `fb_tunnels_only_for_init_net` in the kernel's Documentation/admin-guide/sysctl/net.rst.
  private static let ignored: [StaticString] = [
    "lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0",
  ]

  /// In the kernel's order. Lines without a name are ignored.
  /// - Throws: if the file does not have its two header lines.
  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> [NetworkDevice] {
    var devices: [NetworkDevice] = []
    var lines = Lines(bytes)
    while var words = lines.next() {
      // Two header lines.
      if lines.number <= 2 { continue }
      // Old kernels write no space between the colon and the first number.
      guard let line = words.rest.splitAtLastColon else { continue }
      let name = Words(line.before).trimmed
      if ignored.contains(where: { name.isEqual(to: $0) }) { continue }
      words = Words(line.after)
      var received = NetworkDevice.Direction()
      var sent = NetworkDevice.Direction()
      // Each direction has eight columns. The first four are the same.
      received.read(&words)
      for _ in 4..<8 { _ = words.next() }
      sent.read(&words)
      devices.append(NetworkDevice(name: String(decoding: name, as: UTF8.self), received: received, sent: sent))
    }
    if lines.number < 2 { throw MalformedFile(line: 1, reason: lines.number == 0 ? "the file is empty" : "no header lines") }
    return devices
  }
}

extension NetworkDevice.Direction {
  fileprivate mutating func read(_ words: inout Words) {
    bytes = words.next()?.unsigned
    packets = words.next()?.unsigned
    errors = words.next()?.unsigned
    dropped = words.next()?.unsigned
  }
}
