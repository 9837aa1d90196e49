/// The sockets of one network namespace, counted one by one.
package struct SocketCounts: Hashable, Sendable {
  package var ipv4 = FamilySockets()
  package var ipv6 = FamilySockets()
  /// Connections that no process holds any more and whose end the other side has not confirmed yet: the kernel's orphans, of this
  /// namespace alone.
  package var orphans: Int64 = 0
  package var acceptQueues = AcceptQueues()

  package init() {}

  package enum Family: CaseIterable, Hashable, Sendable {
    case ipv4, ipv6
  }

  package subscript(family: Family) -> FamilySockets {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }

  /// Counts one TCP socket. The queues mean something else for one that listens: how many connections wait to be accepted, and how many
  /// may. The text files do not tell the latter.
  mutating func countTCP(_ family: Family, state number: Int, inode: UInt32, receiveQueue: UInt32, listenLimit: UInt32?) {
    // A state that is not of the eleven: nobody asked for it, and nobody would know what it means.
    guard let state = TCPState(rawValue: number) else { return }
    if family == .ipv4 { ipv4.add(state) } else { ipv6.add(state) }
    if state == .listen { acceptQueues.add(length: receiveQueue, limit: listenLimit) }
    if inode == 0, state.isClosingDown { orphans += 1 }
  }

  mutating func countUDP(_ family: Family, receiveQueue: UInt32, sendQueue: UInt32, drops: UInt32) {
    if family == .ipv4 {
      ipv4.udp?.add(receiveQueue: receiveQueue, sendQueue: sendQueue, drops: drops)
    } else {
      ipv6.udp?.add(receiveQueue: receiveQueue, sendQueue: sendQueue, drops: drops)
    }
  }
}

/// The sockets of one address family. An IPv6 socket that speaks to an IPv4 address is still one of IPv6.
package struct FamilySockets: Hashable, Sendable {
  private var tcp = [Int64](repeating: 0, count: TCPState.allCases.count)
  /// `nil` where the kernel does not list them.
  package var udp: UDPSockets? = UDPSockets()

  package subscript(state: TCPState) -> Int64 {
    tcp[state.rawValue - 1]
  }

  mutating func add(_ state: TCPState) {
    tcp[state.rawValue - 1] += 1
  }
}

package struct UDPSockets: Hashable, Sendable {
  package private(set) var count: Int64 = 0
  /// Bytes that wait to be read.
  package private(set) var receiveQueue: Int64 = 0
  /// Bytes that wait to be sent.
  package private(set) var sendQueue: Int64 = 0
  /// Datagrams that those sockets which are there now have dropped. It falls when one of them goes.
  package private(set) var drops: Int64 = 0

  mutating func add(receiveQueue: UInt32, sendQueue: UInt32, drops: UInt32) {
    count += 1
    self.receiveQueue += Int64(receiveQueue)
    self.sendQueue += Int64(sendQueue)
    self.drops += Int64(drops)
  }
}

/// The queues of connections that the kernel has established and no process has accepted yet.
package struct AcceptQueues: Hashable, Sendable {
  /// Connections in all of them.
  package private(set) var total: Int64 = 0
  /// Connections in the longest.
  package private(set) var longest: Int64 = 0
  /// How full the fullest is: 1 where it takes no more. `nil` where the limits are not known, or nothing listens.
  package private(set) var fullest: Double?

  mutating func add(length: UInt32, limit: UInt32?) {
    total += Int64(length)
    longest = max(longest, Int64(length))
    guard let limit else { return }
    // The kernel takes one more than the limit, and a limit of 0 is one of 1. Source: `sk_acceptq_is_full` in include/net/sock.h.
    fullest = max(fullest ?? 0, min(1, Double(length) / (Double(limit) + 1)))
  }
}
