/// Bytes that no log, description, dump or mirror ever shows.
public struct Secret: Hashable, Sendable {
  /// The bytes themselves, for the one place that sends them.
  public let revealed: [UInt8]

  public init(_ bytes: some Sequence<UInt8>) {
    self.revealed = Array(bytes)
  }

  public init(_ text: String) {
    self.init(text.utf8)
  }

  /// The bytes as UTF-8, again only for the one place that sends them.
  public var revealedText: String { String(decoding: revealed, as: UTF8.self) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "(redacted)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
