internal import Glibc

/// Reads the response of `/api/v1/targets` piece by piece, as it arrives, and reports each active target.
///
/// It keeps the fields of `TargetField` of one target and skips everything else, so its memory does not depend on the response. It accepts
/// the fields in any order, with any white space, and unknown ones; JSON is checked as far as that takes. One target in five kilobytes is
/// typical, hence most bytes are skipped by `memchr`.
///
/// Source of the format: `TargetDiscovery` in web/api/v1/api.go of Prometheus; VictoriaMetrics and Thanos write the same.
struct TargetsScanner {
  /// The largest number of bytes of a field that are kept.
  static let fieldLimit = 4096
  private static let maximumDepth = 64

  /// Where the next byte belongs. Values of members that are not read are `other`.
  private enum Context: UInt8 {
    case root, data, targets, target, discoveredLabels, labels, counts, otherObject, otherArray

    var isArray: Bool { self == .targets || self == .otherArray }
  }

  private enum State: UInt8 {
    case value, key, keyOrEnd, colon, valueOrEnd, commaOrEnd, string, literal, end
  }

  /// What the member whose key was read is.
  private enum Member: UInt8 {
    case other, status, error, data, targets, counts, discoveredLabels, labels, count
    /// A field of the current target.
    case field
  }

  private var state = State.value
  private var stack: [Context] = []
  private var context: Context?
  private var member = Member.other
  private var field = TargetField.pool
  private var isKey = false
  /// The string being read is kept in `text`.
  private var isKept = false
  private var isEscaped = false
  /// A string or literal so far, if a piece ended within it.
  private var text: [UInt8] = []
  /// The name of the scrape pool whose count follows.
  private var countedPool = ""
  private var position = 0
  private var target = ScannedTarget()

  private(set) var summary = TargetsSummary()

  /// Reads the next piece.
  /// - Parameter found: called for each active target that is complete. The value is valid only during the call.
  mutating func scan(_ piece: [UInt8], _ found: (borrowing ScannedTarget) -> Void) throws(TargetsScanError) {
    try piece.withUnsafeBufferPointer { bytes throws(TargetsScanError) in
      guard let start = bytes.baseAddress else { return }
      try scan(start, start + bytes.count, found)
    }
    position += piece.count
  }

  /// Ends the reading.
  /// - Throws: if the document is not complete, or is not a successful answer.
  mutating func finish() throws(TargetsScanError) -> TargetsSummary {
    guard state == .end else { throw .incomplete(bytes: position, targets: summary.targets) }
    if summary.status != "success" { throw .refused(summary.error.isEmpty ? "status \"\(summary.status)\"" : summary.error) }
    guard summary.hasTargets else { throw .notTargets }
    return summary
  }

  private mutating func scan(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ found: (borrowing ScannedTarget) -> Void
  ) throws(TargetsScanError) {
    var next = start
    while next < end {
      let byte = next.pointee
      if state == .string {
        string(&next, end)
        continue
      }
      if state == .literal {
        literal(&next, end)
        continue
      }
      if byte <= 0x20 {
        next += 1
        continue
      }
      switch state {
      case .keyOrEnd where byte == UInt8(ascii: "}"), .valueOrEnd where byte == UInt8(ascii: "]"):
        next += 1
        close(found)
      case .key, .keyOrEnd:
        guard byte == UInt8(ascii: "\"") else { throw unexpected(byte, at: next - start) }
        next += 1
        members(&next, end)
      case .colon:
        guard byte == UInt8(ascii: ":") else { throw unexpected(byte, at: next - start) }
        next += 1
        state = .value
      case .value, .valueOrEnd:
        try value(byte, &next, at: next - start)
      case .commaOrEnd:
        next += 1
        if byte == UInt8(ascii: ",") {
          state = context?.isArray == true ? .value : .key
        } else if byte == UInt8(ascii: context?.isArray == true ? "]" : "}") {
          close(found)
        } else {
          throw unexpected(byte, at: next - start - 1)
        }
      case .end, .string, .literal:
        throw unexpected(byte, at: next - start)
      }
    }
  }

  // MARK: Values

  private mutating func value(_ byte: UInt8, _ next: inout UnsafePointer<UInt8>, at offset: Int) throws(TargetsScanError) {
    switch byte {
    case UInt8(ascii: "\""):
      next += 1
      beginString(isKey: false, isKept: isRead)
    case UInt8(ascii: "{"):
      next += 1
      try open(objectContext)
      state = .keyOrEnd
    case UInt8(ascii: "["):
      next += 1
      try open(context == .data && member == .targets ? .targets : .otherArray)
      state = .valueOrEnd
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
      // Only objects are documents of this API.
      guard context != nil else { throw unexpected(byte, at: offset) }
      text.removeAll(keepingCapacity: true)
      state = .literal
    default:
      throw unexpected(byte, at: offset)
    }
  }

  private var objectContext: Context {
    switch (context, member) {
    case (nil, _): .root
    case (.root, .data): .data
    case (.data, .counts): .counts
    case (.targets, _): .target
    case (.target, .discoveredLabels): .discoveredLabels
    case (.target, .labels): .labels
    default: .otherObject
    }
  }

  private mutating func open(_ new: Context) throws(TargetsScanError) {
    guard stack.count < Self.maximumDepth else { throw .tooDeep }
    if let context { stack.append(context) }
    context = new
    member = .other
    if new == .target { target.reset() }
    if new == .counts { summary.droppedCounts = [:] }
  }

  private mutating func close(_ found: (borrowing ScannedTarget) -> Void) {
    if context == .target {
      summary.targets += 1
      found(target)
    }
    context = stack.popLast()
    member = .other
    state = context == nil ? .end : .commaOrEnd
  }

  /// `true`, `null` or a number. Only counts are read.
  private mutating func literal(_ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    while next < end {
      switch next.pointee {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"), UInt8(ascii: "+"),
        UInt8(ascii: "-"), UInt8(ascii: "."):
        if text.count < 32 { text.append(next.pointee) }
        next += 1
      default:
        endLiteral()
        return
      }
    }
  }

  private mutating func endLiteral() {
    if member == .count, let count = Int(String(decoding: text, as: UTF8.self)) { summary.droppedCounts?[countedPool] = count }
    member = .other
    state = .commaOrEnd
  }

  // MARK: Strings

  /// Reads members whose value is a string, as long as they are whole and without white space: nearly all bytes of a response. Anything
  /// else is left to the states.
  /// - Parameter next: behind the opening quote of a key.
  private mutating func members(_ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    while true {
      let key = next
      guard let keyEnd = Self.quote(from: key, end), end - keyEnd > 3, keyEnd[1] == UInt8(ascii: ":"), keyEnd[2] == UInt8(ascii: "\"")
      else {
        beginString(isKey: true, isKept: context != .otherObject)
        return
      }
      if context != .otherObject { endKey(UnsafeBufferPointer(start: key, count: keyEnd - key)) }
      let value = keyEnd + 3
      guard let valueEnd = Self.quote(from: value, end) else {
        next = value
        beginString(isKey: false, isKept: isRead)
        return
      }
      if isRead { endValue(UnsafeBufferPointer(start: value, count: valueEnd - value)) }
      guard end - valueEnd > 2, valueEnd[1] == UInt8(ascii: ","), valueEnd[2] == UInt8(ascii: "\"") else {
        next = valueEnd + 1
        state = .commaOrEnd
        return
      }
      next = valueEnd + 3
    }
  }

  /// The first quote that ends a string; `nil` if it is not in this piece.
  /// - Parameter start: behind the opening quote.
  @inline(__always)
  private static func quote(from start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UnsafePointer<UInt8>? {
    var from = start
    while from < end, let found = memchr(from, Int32(UInt8(ascii: "\"")), end - from) {
      let quote = UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
      if backslashes(before: quote, from: from).isMultiple(of: 2) { return quote }
      from = quote + 1
    }
    return nil
  }

  /// Whether the value of the member that was begun is used if it is a string.
  private var isRead: Bool { member == .field || member == .status || member == .error }

  private mutating func beginString(isKey: Bool, isKept: Bool) {
    self.isKey = isKey
    self.isKept = isKept
    isEscaped = false
    text.removeAll(keepingCapacity: true)
    state = .string
  }

  /// Reads a string up to its closing quote or the end of the piece.
  private mutating func string(_ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    let start = next
    let from = isEscaped ? start + 1 : start
    isEscaped = false
    if let quote = Self.quote(from: from, end) {
      next = quote + 1
      endString(UnsafeBufferPointer(start: start, count: quote - start))
    } else {
      isEscaped = !Self.backslashes(before: end, from: from).isMultiple(of: 2)
      if isKept { keep(UnsafeBufferPointer(start: start, count: end - start)) }
      next = end
    }
  }

  /// The number of backslashes that end at a position.
  @inline(__always)
  private static func backslashes(before position: UnsafePointer<UInt8>, from start: UnsafePointer<UInt8>) -> Int {
    var first = position
    while first > start, first[-1] == UInt8(ascii: "\\") { first -= 1 }
    return position - first
  }

  private mutating func keep(_ bytes: UnsafeBufferPointer<UInt8>) {
    let room = Self.fieldLimit - text.count
    if room > 0 { text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes.prefix(room))) }
  }

  private mutating func endString(_ last: UnsafeBufferPointer<UInt8>) {
    state = isKey ? .colon : .commaOrEnd
    guard isKept else { return }
    keep(last)
    let whole = text
    whole.withUnsafeBufferPointer { isKey ? endKey($0) : endValue($0) }
  }

  private mutating func endValue(_ value: UnsafeBufferPointer<UInt8>) {
    let value = UnsafeBufferPointer(rebasing: value.prefix(Self.fieldLimit))
    switch member {
    case .field: target.set(field, value)
    case .status: summary.status = String(JSONText.unescaped(value).prefix(40))
    case .error: summary.error = String(JSONText.unescaped(value).prefix(400))
    default: break
    }
    member = .other
  }

  private mutating func endKey(_ key: UnsafeBufferPointer<UInt8>) {
    member = .other
    switch context {
    case .root:
      if key.isEqual("data") { member = .data }
      if key.isEqual("status") { member = .status }
      if key.isEqual("error") { member = .error }
    case .data:
      if key.isEqual("activeTargets") {
        member = .targets
        // It may be null.
        summary.hasTargets = true
      }
      if key.isEqual("droppedTargetCounts") { member = .counts }
    case .counts:
      countedPool = JSONText.unescaped(key)
      member = .count
    case .target:
      if key.isEqual("discoveredLabels") { member = .discoveredLabels }
      if key.isEqual("labels") { member = .labels }
      select(TargetField(ofTarget: key))
    case .discoveredLabels: select(TargetField(discovered: key))
    case .labels: select(TargetField(final: key))
    default: break
    }
  }

  @inline(__always)
  private mutating func select(_ field: TargetField?) {
    guard let field else { return }
    member = .field
    self.field = field
  }

  private func unexpected(_ byte: UInt8, at offset: Int) -> TargetsScanError {
    byte == UInt8(ascii: "<") && summary.targets == 0 && context == nil ? .html : .malformed(byte: byte, offset: position + offset)
  }
}
