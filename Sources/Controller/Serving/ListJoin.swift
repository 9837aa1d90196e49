/// Makes one list of the lists `{"NAME":[…]}` of several parts, which come one after the other, in chunks of any size.
struct ListJoin {
  /// A part is not the list that was asked for: a replica of another version.
  struct Unexpected: Error {}

  private static let end = Array("]}\n".utf8)
  private static let comma = UInt8(ascii: ",")

  /// What comes before the first element.
  let opening: [UInt8]
  /// What has come of the part and may be its opening or its end.
  private var held: [UInt8] = []
  /// Whether the opening of the part has come.
  private var hasOpening = false
  /// Whether elements of the part have come.
  private var hasElements = false
  /// Whether no part before had elements.
  private var isFirst = true

  init(name: String) {
    opening = Array("{\"\(name)\":[".utf8)
  }

  /// - Returns: what to append to the list.
  mutating func take(_ chunk: [UInt8]) throws(Unexpected) -> [UInt8] {
    held += chunk
    if !hasOpening {
      guard held.count >= opening.count else { return [] }
      guard held.starts(with: opening) else { throw Unexpected() }
      held.removeFirst(opening.count)
      hasOpening = true
    }
    guard held.count > Self.end.count else { return [] }
    let ready = Array(held.dropLast(Self.end.count))
    held = Array(held.suffix(Self.end.count))
    defer { hasElements = true }
    return hasElements || isFirst ? ready : [Self.comma] + ready
  }

  /// The part is complete.
  mutating func endPart() throws(Unexpected) {
    guard hasOpening, held == Self.end else { throw Unexpected() }
    isFirst = isFirst && !hasElements
    (held, hasOpening, hasElements) = ([], false, false)
  }
}
