internal import CCurl
internal import Glibc

/// How streams that are read in batches are left alone between two readings, as network cards moderate their interrupts.
///
/// An API server sends an event of a watch by itself. At 5,000 a second, to wake up for each one would cost more than all else that is done about
/// it; with these figures about eighty are read at once. What is late by it are events, by 16 ms at most, which nobody notices who hears of them
/// over a network.
enum ReadPacing {
  /// At 32 MB/s that is half a megabyte, which a socket's buffer holds, and `streamBufferBytes` should. The poller rounds it up to the next
  /// millisecond.
  static let rest: Duration = .milliseconds(15)
  /// A stream is busy where it was read from a shorter time ago. Longer than a rest and the wait for a processor after it.
  static let busyInterval: Duration = .milliseconds(40)
}

enum SocketState {
  /// Whether nothing is left to read: of a transfer in bulk there mostly is, and a rest would hold it up.
  static func isEmpty(_ socket: Int32) -> Bool {
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0
  }
}
