@testable import ProcFS

/// The readers of kernel files, whose content containers influence: names of interfaces and mounts, and numbers of every size.
extension FuzzTarget {
  /// The first byte chooses the file. A file of line pairs gives the same numbers whether its headers are known or new.
  func kernelFiles(_ input: [UInt8]) -> String? {
    guard let choice = input.first else { return nil }
    return input.dropFirst().withUnsafeBytes { bytes in
      switch choice % 7 {
      case 0: _ = try? Sockstat.parse(bytes)
      case 1: return parseTwice(bytes, HeaderLayout<SNMP>())
      case 2: return parseTwice(bytes, HeaderLayout<Netstat>())
      case 3: _ = try? NetworkDevices.parse(bytes)
      case 4:
        guard let mounts = try? MountInfo.parse(bytes, where: { _ in true }) else { return nil }
        return mounts.allSatisfy { $0.mountPoint.utf8.count + $0.root.utf8.count <= 3 * bytes.count } ? nil : "more text than the file has"
      case 5:
        guard let status = try? ProcessStatus.parse(bytes) else { return nil }
        return status.identifiers.isEmpty ? "a process without a number" : nil
      default: _ = try? ProcessStat.parse(bytes)
      }
      return nil
    }
  }

  private func parseTwice<Field>(_ bytes: UnsafeRawBufferPointer, _ layout: HeaderLayout<Field>) -> String? {
    var layout = layout
    let new = try? layout.parse(bytes)
    let known = try? layout.parse(bytes)
    return new == known ? nil : "the numbers depend on whether the headers are known"
  }

  /// The first byte chooses the list. Every socket that is closing down is an orphan or held, and the text of a list may come in pieces.
  func sockets(_ input: [UInt8]) -> String? {
    guard let choice = input.first else { return nil }
    var counts = SocketCounts()
    let body = Array(input.dropFirst())
    switch choice % 5 {
    case 0: _ = body.withUnsafeBytes { DiagReply.count($0, of: .tcp, into: &counts) }
    case 1: _ = body.withUnsafeBytes { DiagReply.count($0, of: .udp(.ipv4), into: &counts) }
    case 2: _ = body.withUnsafeBytes { DiagReply.count($0, of: .multipath(.ipv6), into: &counts) }
    default:
      let whole = table(body, pieces: 1)
      if whole != table(body, pieces: 2) { return "the counts depend on how the list is split" }
      counts = whole ?? counts
    }
    let states: [TCPState] = [.finWait1, .finWait2, .lastAck, .closing]
    let closing = states.reduce(0) { $0 + counts.ipv4[$1] + counts.ipv6[$1] }
    return counts.orphans + counts.heldHalfClosed == closing ? nil : "\(counts.orphans) orphans of \(closing) sockets that close"
  }

  /// - Returns: `nil` for a list that is refused.
  private func table(_ body: [UInt8], pieces: Int) -> SocketCounts? {
    var counts = SocketCounts()
    var table = SocketTable()
    var rest = body[...]
    for piece in 1...pieces {
      // Pieces end with a line.
      let middle = piece < pieces ? rest.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? rest.startIndex : rest.endIndex
      if piece < pieces, middle == rest.startIndex { continue }
      let isAccepted = rest[..<middle].withUnsafeBytes { (try? table.countTCP($0, .ipv4, into: &counts)) != nil }
      if !isAccepted { return nil }
      rest = rest[middle...]
    }
    return counts
  }
}
