/// Where to listen.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// An IP address without brackets, or a DNS name.
  package var host: String
  /// 0 means any free port.
  package var port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `127.0.0.1:9750`, `[::]:9750`, `localhost:9750`, and `:9750` for every address.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port) else {
      return nil
    }
    var host = String(text[..<colon])
    if host.isEmpty { host = "0.0.0.0" }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      return nil
    }
    guard isHost(host) else { return nil }
    self.init(host: host, port: port)
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Whether the text is a host and a port, and nothing else that a URL could have.
func isAuthority(_ text: String) -> Bool {
  ListenAddress(text).map { $0.port != 0 && !text.hasPrefix(":") } ?? false
}

/// An IP address without brackets, or a DNS name: by its characters, so that it cannot turn into another part of a URL.
func isHost(_ text: String) -> Bool {
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
  return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
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

/// Whether the text is a path that cannot turn into another part of a URL.
func isURLPath(_ text: String) -> Bool {
  text.hasPrefix("/") && text.utf8.allSatisfy { (0x21...0x7e).contains($0) } && !text.contains("?") && !text.contains("#")
}
