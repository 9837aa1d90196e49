internal import Glibc

/// A host and a port to listen on or to connect to, such as `127.0.0.1:9750`.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// An IP address without brackets, or a DNS name. Empty for all addresses of both families, to listen on.
  package var host: String
  /// 0 means any free port.
  package var port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Parses `127.0.0.1:9750`, `[::]:9750`, `localhost:9750`, and `:9750`, which means all addresses.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port) else {
      return nil
    }
    var host = String(text[..<colon])
    if host.isEmpty {
      self.init(host: "", port: port)
      return
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      // An IPv6 address without brackets is ambiguous.
      return nil
    }
    guard isHost(host) else { return nil }
    self.init(host: host, port: port)
  }

  /// The host to bind. For all addresses it is `::`, where SwiftNIO's sockets accept IPv4 as well: it clears `IPV6_V6ONLY`, whatever the
  /// sysctl `net.ipv6.bindv6only` says. Without IPv6 in the kernel it is 0.0.0.0.
  package func hostToBind(hasIPv6: () -> Bool = kernelHasIPv6) -> String {
    guard host.isEmpty else { return host }
    return hasIPv6() ? "::" : "0.0.0.0"
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Whether a socket can listen on `::`: unless the kernel has no IPv6 (`ipv6.disable=1`). With the sysctl `disable_ipv6` it can, as `::` is
/// the address of no interface.
package func kernelHasIPv6() -> Bool {
  let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { return false }
  close(descriptor)
  return true
}

/// Whether the text is a URL's authority of host and port, without user information.
package func isAuthority(_ text: String) -> Bool {
  ListenAddress(text).map { $0.port != 0 && !text.hasPrefix(":") } ?? false
}

/// Whether the text has the characters of an IP address without brackets or of a DNS name, so that it cannot inject other parts into a URL.
package func isHost(_ text: String) -> Bool {
  guard (1...253).contains(text.utf8.count) else { return false }
  if text.contains(":") {
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
        UInt8(ascii: ":"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }
  // A dot at the end makes a name absolute.
  return text.dropLast(text.hasSuffix(".") ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
    !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
      && label.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}
