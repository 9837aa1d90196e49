/// What a single exchange with the API server may take.
package struct RequestLimits: Hashable, Sendable {
  /// For the whole exchange, from the name's resolution to the last byte.
  package var deadline: Duration
  /// Bytes of the body, decompressed.
  package var maximumBodyBytes: Int

  /// Bytes that are read from the connection at once.
  package var receiveBufferBytes: Int

  /// Whether what comes piece by piece may wait for a few milliseconds to be read together.
  package var readsInBatches: Bool

  package init(deadline: Duration, maximumBodyBytes: Int, receiveBufferBytes: Int = 16 << 10, readsInBatches: Bool = false) {
    self.deadline = deadline
    self.maximumBodyBytes = maximumBodyBytes
    self.receiveBufferBytes = receiveBufferBytes
    self.readsInBatches = readsInBatches
  }

  /// For lists and watches: with 128 KB a system call brings twenty Pods, and there are a few such streams at most.
  static let longBodyBuffer = 128 << 10
  /// What a busy watch gathers before its reader is woken: 32 MB/s for 16 ms, and a quarter more.
  static let streamBuffer = 640 << 10

  /// For one object. The API server gives a request 60 s of its own (`--request-timeout`) and etcd takes no object over 1.5 MiB; half that
  /// time leaves room for a second attempt, and 16 MiB is what we take as an event's size, too.
  package static let object = RequestLimits(deadline: .seconds(30), maximumBodyBytes: 16 << 20)
  /// For one page: `WatchPolicy.pageSize` objects of half a megabyte each.
  package static let page = RequestLimits(deadline: .seconds(60), maximumBodyBytes: 256 << 20, receiveBufferBytes: longBodyBuffer)
  /// For a list in one piece, 150,000 Pods of 6.4 KB each and as much again. The API server needs about 10 s to send a gigabyte.
  package static let wholeList = RequestLimits(deadline: .seconds(180), maximumBodyBytes: 2 << 30, receiveBufferBytes: longBodyBuffer)
}
