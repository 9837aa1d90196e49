/// Parses one of `/proc/<pid>/net/tcp`, `tcp6`, `udp` and `udp6`, piece by piece: a line for each socket of the network namespace.
///
/// To write one, the kernel walks the sockets of the whole host, so sock_diag is an order of magnitude cheaper. But reading them needs no
/// capability beyond access to the process.
/// Source: proc_net(5), `tcp4_seq_show` in net/ipv4/tcp_ipv4.c, `udp4_format_sock` in net/ipv4/udp.c.
struct SocketTable {
  /// Of all pieces so far.
  private var lineCount = 0

  /// - Parameter bytes: the next whole lines of the file.
  mutating func countTCP(
    _ bytes: UnsafeRawBufferPointer, _ family: SocketCounts.Family, into counts: inout SocketCounts
  ) throws(MalformedFile) {
    try eachSocket(bytes) { socket throws(MalformedFile) in
      counts.countTCP(
        family,
        SocketCounts.TCPSocket(
          state: socket.state, inode: socket.inode, isMini: socket.timer == SocketCounts.TCPSocket.miniSocketTimer,
          receiveQueue: socket.receiveQueue, listenLimit: nil))
    }
  }

  /// - Parameter bytes: the next whole lines of the file.
  mutating func countUDP(
    _ bytes: UnsafeRawBufferPointer, _ family: SocketCounts.Family, into counts: inout SocketCounts
  ) throws(MalformedFile) {
    try eachSocket(bytes) { socket throws(MalformedFile) in
      counts.countUDP(family, receiveQueue: socket.receiveQueue, sendQueue: socket.sendQueue, drops: socket.last)
    }
  }

  private struct Socket {
    var state = 0
    /// `tr`; 0 without a timer.
    var timer: UInt32 = 0
    var sendQueue: UInt32 = 0
    var receiveQueue: UInt32 = 0
    var inode: UInt32 = 0
    /// The last column's number; for UDP the dropped datagrams.
    var last: UInt32 = 0
  }

  /// The columns are `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`.
  private mutating func eachSocket(
    _ bytes: UnsafeRawBufferPointer, _ body: (Socket) throws(MalformedFile) -> Void
  ) throws(MalformedFile) {
    var lines = Lines(bytes, after: lineCount)
    defer { lineCount = lines.number }
    while var words = lines.next() {
      if lines.number == 1 { continue }
      var socket = Socket()
      var column = 0
      while let word = words.next() {
        switch column {
        case 3:
          guard let state = word.hexadecimal else { throw lines.malformed("the state is \(word.excerpt)") }
          socket.state = Int(state)
        case 4:
          guard
            let (sent, received) = word.splitAtLastColon, let sendQueue = sent.hexadecimal, let receiveQueue = received.hexadecimal
          else { throw lines.malformed("the queues are \(word.excerpt)") }
          socket.sendQueue = sendQueue
          socket.receiveQueue = receiveQueue
        case 5:
          guard let timer = word.splitAtLastColon?.before.hexadecimal else { throw lines.malformed("the timer is \(word.excerpt)") }
          socket.timer = timer
        case 9:
          guard let inode = word.decimal else { throw lines.malformed("the inode is \(word.excerpt)") }
          socket.inode = UInt32(truncatingIfNeeded: inode)
        case 10...:
          if let number = word.decimal { socket.last = UInt32(truncatingIfNeeded: number) }
        default: break
        }
        column += 1
      }
      guard column >= 10 else { throw lines.malformed("\(column) columns") }
      try body(socket)
    }
    if lines.number == 0 { throw MalformedFile(line: 1, reason: "the file is empty") }
  }
}

extension ProcessDirectory {
  /// Adds the sockets of `/proc/<pid>/net/tcp` or `tcp6` to `counts`.
  package func countTCP(_ family: SocketCounts.Family, into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    var table = SocketTable()
    try directory.readLines(family == .ipv4 ? "net/tcp" : "net/tcp6", into: buffer) { bytes throws(MalformedFile) in
      try table.countTCP(bytes, family, into: &counts)
    }
  }

  /// Adds the sockets of `/proc/<pid>/net/udp` or `udp6` to `counts`.
  package func countUDP(_ family: SocketCounts.Family, into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    var table = SocketTable()
    try directory.readLines(family == .ipv4 ? "net/udp" : "net/udp6", into: buffer) { bytes throws(MalformedFile) in
      try table.countUDP(bytes, family, into: &counts)
    }
  }
}
