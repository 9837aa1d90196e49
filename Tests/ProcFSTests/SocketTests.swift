import Testing

@testable import ProcFS

struct SocketTests {
  private let tcp = """
      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 00000000:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
       1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1
       2: 0100007F:1F90 0100007F:C351 06 00000000:00000000 03:00000F5D 00000000     0        0 0 3 0000000000000000
       3: 0100007F:1F90 0100007F:C352 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 30 10 -1
       4: 0100007F:1F90 0100007F:C353 05 00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 20 4 30 10 -1
       5: 0100007F:1F90 0100007F:C354 05 00000000:00000000 03:00000F5D 00000000     0        0 0 3 0000000000000000

    """

  @Test func `R89: TCP sockets are counted by state, queue and owner, mini-sockets as TIME_WAIT`() throws {
    var counts = SocketCounts()
    var table = SocketTable()
    try parseText(tcp) { bytes throws(MalformedFile) in try table.countTCP(bytes, .ipv4, into: &counts) }
    // Of three in FIN_WAIT_2, one is a mini-socket.
    #expect(TCPState.allCases.map { counts.ipv4[$0] } == [1, 0, 0, 0, 2, 2, 0, 0, 0, 1, 0])
    #expect(counts.ipv4.finWait2MiniSockets == 1)
    #expect(counts.ipv6 == FamilySockets())
    // Of the other two one has no process.
    #expect(counts.orphans == 1)
    #expect(counts.heldHalfClosed == 1)
    #expect(counts.acceptQueues.total == 3)
    #expect(counts.acceptQueues.fullest == nil)
  }

  @Test func `UDP sockets are counted with their queues and drops`() throws {
    let udp = """
         sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
        123: 0100007F:0035 00000000:0000 07 00000010:00000200 00:00000000 00000000     0        0 4711 2 0000000000000000 3
        124: 0100007F:0036 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0

      """
    var counts = SocketCounts()
    var table = SocketTable()
    try parseText(udp) { bytes throws(MalformedFile) in try table.countUDP(bytes, .ipv6, into: &counts) }
    #expect(counts.ipv6.udp?.count == 2)
    #expect(counts.ipv6.udp?.sendQueue == 16)
    #expect(counts.ipv6.udp?.receiveQueue == 512)
    #expect(counts.ipv6.udp?.drops == 3)
  }

  @Test(arguments: [
    ("", 1, "empty"), ("sl\n 0: a b zz 0:0 0 0 0 0 5\n", 2, "state is zz"), ("sl\n 0: a b 0A 00 0 0 0 0 5\n", 2, "queues are 00"),
    ("sl\n 0: a b 0A 0:0 00 0 0 0 5\n", 2, "timer is 00"),
    ("sl\n 0: a b 0A 0:0 00:0 0 0 0 x\n", 2, "inode is x"), ("sl\n 0: a b 0A\n", 2, "4 columns"),
  ])
  func `a malformed table is rejected with the line number`(text: String, line: Int, reason: String) throws {
    var counts = SocketCounts()
    let error = try #require(throws: MalformedFile.self) {
      // Line by line, as the file may be read in pieces.
      var table = SocketTable()
      for piece in text.isEmpty ? [""] : text.split(separator: "\n") {
        try parseText(String(piece)) { bytes throws(MalformedFile) in try table.countTCP(bytes, .ipv4, into: &counts) }
      }
    }
    #expect(error.line == line)
    #expect(error.reason.contains(reason))
  }

  // Netlink messages have 16- and 32-bit numbers in the host's byte order.
  private func message(type: UInt16, _ body: [UInt8]) -> [UInt8] {
    number(UInt32(16 + body.count)) + number(type) + number(UInt16(2)) + number(UInt32(0)) + number(UInt32(0)) + body
      + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
  }

  private func number(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }

  /// `struct inet_diag_msg`: 4 bytes, 48 bytes of addresses, then expiry, both queues, user and inode.
  private func socket(
    family: UInt8, state: UInt8, timer: UInt8 = 0, received: UInt32 = 0, sent: UInt32 = 0, inode: UInt32 = 1, _ attributes: [UInt8] = []
  ) -> [UInt8] {
    [family, state, timer, 0] + [UInt8](repeating: 0, count: 48) + number(UInt32(0)) + number(received) + number(sent) + number(UInt32(0))
      + number(inode) + attributes
  }

  private func count(_ bytes: [UInt8], _ request: DiagRequest = .tcp, into counts: inout SocketCounts) -> DiagReply.Outcome {
    bytes.withUnsafeBytes { DiagReply.count($0, of: request, into: &counts) }
  }

  @Test func `sock_diag messages are counted by family and state until the dump ends`() {
    var counts = SocketCounts()
    let first = message(type: 20, socket(family: 2, state: 10, received: 4, sent: 7)) + message(type: 20, socket(family: 10, state: 1))
    #expect(count(first, into: &counts) == .more)
    let last = message(type: 20, socket(family: 10, state: 9, inode: 0)) + message(type: 3, number(Int32(0)))
    #expect(count(last, into: &counts) == .done)
    #expect(counts.ipv4[.listen] == 1)
    #expect(counts.ipv6[.established] == 1)
    #expect(counts.ipv6[.lastAck] == 1)
    #expect(counts.orphans == 1)
    #expect(counts.acceptQueues.total == 4)
    #expect(counts.acceptQueues.longest == 4)
    #expect(counts.acceptQueues.fullest == 0.5)
  }

  @Test func `R89: of the sockets in FIN_WAIT_2 without a process, mini-sockets are time-wait and the others orphans`() {
    var counts = SocketCounts()
    let messages =
      message(type: 20, socket(family: 2, state: 5, timer: 3, inode: 0))
      + message(type: 20, socket(family: 10, state: 5, timer: 2, inode: 0))
      + message(type: 20, socket(family: 2, state: 6, timer: 3, inode: 0)) + message(type: 20, socket(family: 2, state: 5))
    #expect(count(messages, into: &counts) == .more)
    #expect(counts.ipv4[.timeWait] == 2)
    #expect(counts.ipv4[.finWait2] == 1)
    #expect(counts.ipv6[.finWait2] == 1)
    #expect(counts.orphans == 1)
    #expect(counts.heldHalfClosed == 1)
  }

  @Test func `R89: sockets of Multipath TCP are counted apart`() {
    var counts = SocketCounts()
    #expect(count(message(type: 20, socket(family: 10, state: 8)), .multipath(.ipv6), into: &counts) == .more)
    #expect(counts.multipath?.ipv6[.closeWait] == 1)
    #expect(counts.multipath?.ipv4[.closeWait] == 0)
    #expect(counts.ipv6 == FamilySockets())
  }

  @Test func `UDP drops are read from the memory attribute`() {
    var counts = SocketCounts()
    let memory = (0..<9).flatMap { number(UInt32($0 == 8 ? 42 : 1)) }
    let other = number(UInt16(5)) + number(UInt16(8)) + [9, 0, 0, 0]
    let attributes = other + number(UInt16(4 + memory.count)) + number(UInt16(7)) + memory
    #expect(count(message(type: 20, socket(family: 2, state: 7, received: 8, sent: 9, attributes)), .udp(.ipv4), into: &counts) == .more)
    #expect(counts.ipv4.udp?.drops == 42)
    #expect(counts.ipv4.udp?.receiveQueue == 8)
    #expect(counts.ipv4.udp?.sendQueue == 9)
  }

  @Test func `an error is reported with its number, and a message truncated anywhere is malformed`() {
    var counts = SocketCounts()
    #expect(count(message(type: 2, number(Int32(-2))), into: &counts) == .failed(2))
    // How a kernel without the protocol's module ends a dump.
    #expect(count(message(type: 3, number(Int32(-2))), into: &counts) == .failed(2))
    let whole = message(type: 20, socket(family: 2, state: 1))
    for length in 16..<whole.count {
      #expect(count(Array(whole[..<length]), into: &counts) == .malformed, "\(length) bytes")
    }
    #expect(count(number(UInt32(3)) + [UInt8](repeating: 0, count: 12), into: &counts) == .malformed)
    #expect(counts == SocketCounts())
  }
}
