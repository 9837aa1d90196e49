/// The counters of one network interface: a line of `/proc/<pid>/net/dev`.
/// Source: `dev_seq_printf_stats` in the kernel's net/core/net-procfs.c.
package struct NetworkDevice: Hashable, Sendable {
  package struct Direction: Hashable, Sendable {
    package var bytes: Int64
    package var packets: Int64
    package var errors: Int64
    package var dropped: Int64
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
  private static let columns = 16

  /// In the kernel's order.
  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> [NetworkDevice] {
    var devices: [NetworkDevice] = []
    var lines = Lines(bytes)
    while var words = lines.next() {
      // Two header lines.
      if lines.number <= 2 { continue }
      // Old kernels write no space between the colon and the first number.
      guard let line = words.rest.splitAtLastColon else { throw lines.malformed("does not begin with a name and a colon") }
      let name = Words(line.before).trimmed
      if ignored.contains(where: { name.isEqual(to: $0) }) { continue }
      words = Words(line.after)
      var values = InlineArray<16, Int64>(repeating: 0)
      for column in 0..<columns {
        guard let value = words.next()?.decimal else { throw lines.malformed("column \(column + 1) of \(name.excerpt) is not a number") }
        values[column] = value
      }
      devices.append(
        NetworkDevice(
          name: String(decoding: name, as: UTF8.self),
          received: .init(bytes: values[0], packets: values[1], errors: values[2], dropped: values[3]),
          sent: .init(bytes: values[8], packets: values[9], errors: values[10], dropped: values[11])))
    }
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
    return devices
  }
}
