/// The limits of one transport; the same for all its requests.
package struct HTTPTransportConfiguration: Sendable, Hashable {
  /// Transfers in flight at once, streams that are open included; requests beyond it wait in order, and their deadline runs.
  package var maximumTransfers = 256
  /// Idle connections that are kept for reuse.
  package var connectionCacheSize = 256
  /// Bytes that a stream may have ready and unread before its connection is no longer read from.
  package var streamBufferBytes = 256 << 10
  /// Bytes of the answer's status lines, headers and trailers together.
  package var maximumHeaderBytes = 64 << 10

  package init() {}
}
