/// How much of a page we are ready to read. Every page from outside is hostile until proven otherwise; past a limit the whole page is
/// refused, because half a page looks like containers that are gone.
package struct ExpositionLimits: Hashable, Sendable {
  /// Bytes of the page, after decompression.
  package var bytes: Int
  /// Samples on the page.
  package var series: Int
  /// Labels of one sample.
  package var labels: Int
  /// Bytes of one label's name or value, as they stand on the page.
  package var labelLength: Int
  /// Bytes of the page's different label sets together: they are remembered while it is read.
  package var labelSetBytes: Int

  package init(
    bytes: Int = 16 << 20, series: Int = 200_000, labels: Int = 64, labelLength: Int = 4096, labelSetBytes: Int = 128 << 20
  ) {
    self.bytes = bytes
    self.series = series
    self.labels = labels
    self.labelLength = labelLength
    self.labelSetBytes = labelSetBytes
  }

  package static let standard = ExpositionLimits()
}

/// Why a page was refused.
package enum ExpositionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not the text format. Lines count from 1.
  case malformed(line: Int, reason: String)
  /// One of the `ExpositionLimits` was passed, on this line.
  case tooLarge(line: Int, limit: String)

  package var description: String {
    switch self {
    case .malformed(let line, let reason): "line \(line): \(reason)"
    case .tooLarge(let line, let limit): "line \(line): more than \(limit)"
    }
  }
}
