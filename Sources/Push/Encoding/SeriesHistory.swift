/// Which series one owner's last page had, so that those that are gone can be ended with a stale marker.
///
/// Held compressed, and made anew only when the set of series changes: at rest a page costs one comparison.
struct SeriesHistory: Sendable {
  private var digest: UInt64 = 0
  private var count = 0
  private var compressed: [UInt8] = []
  /// Of the newest sample. The next one is later, whatever the wall clock does meanwhile.
  private(set) var newest: Int64 = .min

  /// The time for samples that are collected now.
  func timestamp(for milliseconds: Int64) -> Int64 {
    newest == .min ? milliseconds : max(milliseconds, newest + 1)
  }

  /// Takes note of a page, after `ended` was asked.
  mutating func follow(_ labels: borrowing SeriesLabels, at timestamp: Int64) {
    newest = max(newest, timestamp)
    guard labels.digest != digest || labels.series.count != count else { return }
    digest = labels.digest
    count = labels.series.count
    var entries: [UInt8] = []
    entries.reserveCapacity(labels.bytes.count + labels.series.count * 2)
    for series in labels.series {
      Protobuf.append(varint: UInt64(series.labels.count), to: &entries)
      entries.append(contentsOf: labels.bytes[series.labels])
    }
    compressed = SnappyBlock.compress(entries.span)
  }

  /// Appends a stale marker for every series of the last page that this one lacks.
  func end(missingIn labels: borrowing SeriesLabels, at timestamp: Int64, into request: inout WriteRequest) {
    guard count > 0, labels.digest != digest || labels.series.count != count else { return }
    let present = Set(labels.series.map(\.hash))
    forEach { entries, range in
      if !present.contains(SeriesLabels.hash(entries, range)) {
        request.append(labels: entries.span.extracting(range), value: WriteRequest.staleMarker, timestamp: timestamp)
      }
    }
  }

  /// Appends a stale marker for every series of the last page.
  func endAll(at timestamp: Int64, into request: inout WriteRequest) {
    forEach { entries, range in
      request.append(labels: entries.span.extracting(range), value: WriteRequest.staleMarker, timestamp: timestamp)
    }
  }

  private func forEach(_ body: ([UInt8], Range<Int>) -> Void) {
    // Our own bytes: what was compressed here can be uncompressed here.
    guard count > 0, let entries = SnappyBlock.uncompress(compressed.span, limit: .max) else { return }
    var position = 0
    while position < entries.count {
      var length = 0
      var shift = 0
      while entries[position] >= 0x80 {
        length |= Int(entries[position] & 0x7f) << shift
        shift += 7
        position += 1
      }
      length |= Int(entries[position]) << shift
      position += 1
      body(entries, position..<position + length)
      position += length
    }
  }
}
