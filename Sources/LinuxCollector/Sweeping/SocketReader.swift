internal import ProcFS

/// How the sockets of a namespace are counted one by one: their states, their queues, and who holds them.
package enum SocketReading: String, CaseIterable, Hashable, Sendable {
  /// Not at all.
  case off
  /// By sock_diag(7), which needs CAP_SYS_ADMIN to enter the namespace; not at all without it.
  case inetDiag = "inet-diag"
  /// From `/proc/<pid>/net/tcp` and its like: that needs no capability of its own, and costs twenty times as much or more.
  case text
  /// By sock_diag(7) where that is possible, from the text files where it is not.
  case inetDiagOrText = "inet-diag-or-text"

  var entersNamespaces: Bool { self == .inetDiag || self == .inetDiagOrText }
}

/// Counts the sockets of one namespace after the other, during one sweep.
struct SocketReader {
  private var method: SocketReading
  /// Why the way that was wanted is not to be had.
  private(set) var problem: ProcFSError?
  private(set) var cost = Duration.zero
  private let budget: Duration
  private let buffer: ReadBuffer

  /// What a sweep may take for sockets before pods keep their last counts for a while: with a hundred thousand connections on a host one pod
  /// takes 10 ms.
  static let usualBudget: Duration = .milliseconds(100)

  /// - Parameters:
  ///   - mayEnter: whether the calling thread may be left in a namespace.
  ///   - budget: processor time.
  init(_ method: SocketReading, mayEnter: Bool, budget: Duration, buffer: ReadBuffer) {
    self.method = method
    self.budget = budget
    self.buffer = buffer
    guard method.entersNamespaces else { return }
    if !mayEnter {
      giveUpEntering()
      return
    }
    // Known beforehand: otherwise pods without sockets, which nobody has to enter, had zeros, and those with sockets nothing.
    do {
      try NetworkNamespace.checkPermissionToEnter()
    } catch let error where error.isPermissionDenied {
      problem = error
      giveUpEntering()
    } catch {
      // No verdict, as where our own /proc is not mounted.
    }
  }

  private mutating func giveUpEntering() {
    method = method == .inetDiag ? .off : .text
  }

  /// `nil` where they are not counted.
  mutating func read(
    _ reading: NamespaceReading, of process: borrowing ProcessDirectory, _ known: KnownNamespace
  ) throws(ProcFSError) -> SocketCounts? {
    if method == .off { return nil }
    let start = ThreadTime()
    defer { cost += start.elapsed() }
    if method.entersNamespaces, let counts = try diagnose(reading, process, known) { return counts }
    if method == .off { return nil }
    do {
      return try list(reading, process)
    } catch let error where error.isGone {
      throw error
    } catch {
      // The other numbers of the namespace are good.
      problem = error
      return nil
    }
  }

  /// The kernel looks through all connections of the host for each namespace, so it is asked only where there are any, and where they
  /// may be others than the last time.
  /// - Returns: `nil` where it does not let itself be asked, and then not in any other namespace either.
  private mutating func diagnose(
    _ reading: NamespaceReading, _ process: borrowing ProcessDirectory, _ known: KnownNamespace
  ) throws(ProcFSError) -> SocketCounts? {
    var last = reading.mayHaveTCP ? known.sockets(for: reading) : SocketCounts()
    if last == nil, cost >= budget { last = known.recentSockets(for: reading) }
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
        known.remember(counts, of: reading)
      }
      for family in families {
        do {
          try socket.countUDP(family, into: &counts, buffer)
        } catch let error where error.isGone && method == .inetDiag {
          // The kernel has no module for UDP (udp_diag), which is no loss to TCP.
          problem = error
          counts[family].udp = nil
        }
      }
      return counts
    } catch {
      // Not this namespace's fault: no right to enter, or a kernel without the module.
      problem = error
      giveUpEntering()
      return nil
    }
  }

  private func list(_ reading: NamespaceReading, _ process: borrowing ProcessDirectory) throws(ProcFSError) -> SocketCounts {
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
  /// The families that have UDP sockets.
  fileprivate var udpFamilies: [SocketCounts.Family] {
    var families: [SocketCounts.Family] = []
    if sockstat[.udpInUse] != 0 { families.append(.ipv4) }
    if let sockstat6, sockstat6[.udpInUse] != 0 { families.append(.ipv6) }
    return families
  }
}
