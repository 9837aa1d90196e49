/// Reads a page of metrics in the text format 0.0.4, sample by sample, and refuses whatever is not that format: bad names and numbers,
/// unknown escapes, a label named twice, invalid UTF-8, text after the end of a sample, a last line without its line feed (an answer
/// that was cut). Of OpenMetrics the `# EOF` and `# UNIT` lines, the types and the exemplars are tolerated.
///
/// - Parameters:
///   - refusesDuplicates: whether the same name with the same labels, in whatever order, may come once only. Costs 8 bytes or so of
///     memory a sample while it runs, which `limits.series` bounds.
///   - each: called for each sample in the order of the page, with the page. Samples that came before an error have been handed out: a
///     caller that must not act on half a page collects first and acts after the return.
/// - Throws: at the first thing that is wrong, with its line.
package func scanExposition(
  _ page: Span<UInt8>, limits: ExpositionLimits = .standard, refusesDuplicates: Bool = false,
  each: (borrowing ScannedSample, Span<UInt8>) -> Void
) throws(ExpositionError) {
  guard page.count <= limits.bytes else {
    throw .tooLarge(line: 1, limit: "\(limits.bytes) bytes")
  }
  var scanner = LineScanner(limits: limits)
  var series = 0
  var seen: Set<Int> = []
  while try scanner.nextSample(in: page) {
    series += 1
    guard series <= limits.series else {
      throw .tooLarge(line: scanner.line, limit: "\(limits.series) series")
    }
    if refusesDuplicates, !seen.insert(seriesHash(of: scanner.sample, in: page)).inserted {
      throw .malformed(line: scanner.line, reason: "the series \(scanner.sample.nameText(in: page)) is there twice with the same labels")
    }
    each(scanner.sample, page)
  }
}

/// As above, over an array.
package func scanExposition(
  _ page: [UInt8], limits: ExpositionLimits = .standard, refusesDuplicates: Bool = false,
  each: (borrowing ScannedSample, Span<UInt8>) -> Void
) throws(ExpositionError) {
  try scanExposition(page.span, limits: limits, refusesDuplicates: refusesDuplicates, each: each)
}

/// Equal for equal series, whatever the order of the labels; seeded for each process, so that a page cannot be made to collide.
/// 200,000 series collide by chance once in a billion pages.
private func seriesHash(of sample: borrowing ScannedSample, in page: Span<UInt8>) -> Int {
  var total = hash(page.extracting(sample.name))
  for label in sample.labels {
    // An empty label is the same as none.
    guard !label.isEmpty else { continue }
    var hasher = Hasher()
    hasher.combine(hash(page.extracting(label.name)))
    hasher.combine(hash(page.extracting(label.value)))
    total &+= hasher.finalize()
  }
  return total
}

private func hash(_ bytes: Span<UInt8>) -> Int {
  var hasher = Hasher()
  bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  return hasher.finalize()
}
