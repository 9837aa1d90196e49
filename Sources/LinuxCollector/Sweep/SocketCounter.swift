internal import ProcFS

/// How the sockets of a namespace are counted by state, with their queues and orphans.
package enum SocketMethod: String, CaseIterable, Hashable, Sendable {
  /// They are not counted.
  case off
  /// By sock_diag(7), which needs CAP_SYS_ADMIN to enter the namespace. Without it they are not counted.
  case inetDiag = "inet-diag"
  /// From `/proc/<pid>/net/tcp`, `tcp6`, `udp` and `udp6`. Needs no additional capability, and costs at least twenty times as much.
  case text
  /// By sock_diag(7) if possible, otherwise from the text files.
  case inetDiagOrText = "inet-diag-or-text"

  var entersNamespaces: Bool { self == .inetDiag || self == .inetDiagOrText }
}

/// Counts the sockets of the namespaces in one sweep.
struct SocketCounter {
  private var method: SocketMethod
  /// Why the configured method is not used, or the last error of counting.
  private(set) var problem: ProcFSError?
  private(set) var cost = Duration.zero
  private let budget: Duration
  private let buffer: ReadBuffer

  /// With 100,000 connections on the host, counting takes 10 ms for each pod.
  static let defaultBudget: Duration = .milliseconds(100)

  /// - Parameters:
  ///   - mayEnter: whether the calling thread may be left in another namespace.
  ///   - budget: CPU time, after which recent counts are reused.
  init(_ method: SocketMethod, mayEnter: Bool, budget: Duration, buffer: ReadBuffer) {
    self.method = method
    self.budget = budget
    self.buffer = buffer
    guard method.entersNamespaces else { return }
    if !mayEnter {
      giveUpEntering()
      return
    }
    // Checked in advance: otherwise pods without sockets, whose namespaces are not entered, would show zeros and the others nothing.
    do {
      try NetworkNamespace.checkPermissionToEnter()
    } catch let error where error.isPermissionDenied {
      problem = error
      giveUpEntering()
    } catch {
      // Inconclusive, for example if the agent's own /proc is not mounted.
    }
  }

  private mutating func giveUpEntering() {
    method = method == .inetDiag ? .off : .text
  }

  /// - Returns: `nil` if the sockets were not counted.
  mutating func count(
    _ reading: NamespaceReading, of process: borrowing ProcessDirectory, _ cached: CachedNamespace
  ) throws(ProcFSError) -> SocketCounts? {
    if method == .off { return nil }
    let start = ThreadTime()
    defer { cost += start.elapsed() }
    if method.entersNamespaces, let counts = try countByDiag(reading, process, cached) { return counts }
    if method == .off { return nil }
    do {
      return try countByText(reading, process)
    } catch let error where error.isGone {
      throw error
    } catch {
      // The namespace's other numbers are still valid.
      problem = error
      return nil
    }
  }

  /// For each dump the kernel walks all connections of the host, so it is skipped if the namespace has no sockets, or if nothing has
  /// changed since the last dump.
  /// - Returns: `nil` if sock_diag is unavailable. The method is changed for the rest of the sweep then.
  private mutating func countByDiag(
    _ reading: NamespaceReading, _ process: borrowing ProcessDirectory, _ cached: CachedNamespace
  ) throws(ProcFSError) -> SocketCounts? {
    var last = reading.mayHaveTCP ? cached.sockets(for: reading) : SocketCounts()
    if last == nil, cost >= budget { last = cached.recentSockets(for: reading) }
    let families = reading.udpFamilies
    if let last, families.isEmpty { return last }
    let namespace = try process.openNetworkNamespace()
    guard namespace.number == reading.namespace else { throw .gone("network namespace \(reading.namespace.inode)") }
    do {
      try namespace.enter()
      let socket = try DiagSocket()
      var counts = last ?? SocketCounts()
      if last == nil {
        try socket.countTCP(into: &counts, buffer)
        if reading.usesMultipath { try countMultipath(socket, into: &counts) }
        cached.remember(counts, of: reading)
      }
      for family in families {
        do {
          try socket.countUDP(family, into: &counts, buffer)
        } catch let error where error.isGone && method == .inetDiag {
          // A kernel without the module udp_diag; the TCP counts remain valid.
          problem = error
          counts[family].udp = nil
        }
      }
      return counts
    } catch {
      // The same for every namespace: no permission to enter, or a kernel without the module tcp_diag.
      problem = error
      giveUpEntering()
      return nil
    }
  }

  private func countMultipath(_ socket: borrowing DiagSocket, into counts: inout SocketCounts) throws(ProcFSError) {
    do {
      try socket.countMultipath(into: &counts, buffer)
    } catch let error where error.isGone {
      // A kernel without the module mptcp_diag, or before 5.9.
      counts.multipath = nil
    }
  }

  private func countByText(_ reading: NamespaceReading, _ process: borrowing ProcessDirectory) throws(ProcFSError) -> SocketCounts {
    var counts = SocketCounts()
    if reading.mayHaveTCP {
      try process.countTCP(.ipv4, into: &counts, buffer)
      if reading.sockstat6 != nil { try process.countTCP(.ipv6, into: &counts, buffer) }
    }
    for family in reading.udpFamilies { try process.countUDP(family, into: &counts, buffer) }
    return counts
  }
}

extension NamespaceReading {
  /// The address families with UDP sockets.
  fileprivate var udpFamilies: [SocketCounts.Family] {
    var families: [SocketCounts.Family] = []
    if sockstat[.udpInUse] != 0 { families.append(.ipv4) }
    if let sockstat6, sockstat6[.udpInUse] != 0 { families.append(.ipv6) }
    return families
  }
}
