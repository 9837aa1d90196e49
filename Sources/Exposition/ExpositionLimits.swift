/// Limits on an exposition from outside. All external input is considered hostile. A body that exceeds a limit is rejected as a whole:
/// a partial body would look as if containers were gone.
package struct ExpositionLimits: Hashable, Sendable {
  /// Bytes of the body, after decompression.
  package var bytes: Int
  /// Samples in the body.
  package var series: Int
  /// Labels of one sample.
  package var labels: Int
  /// Bytes of a label name, an escaped label value or a metric name.
  package var labelLength: Int
  /// Bytes of all distinct label sets together. The parser keeps them in memory until the end of the body.
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

/// Why an exposition was rejected.
package enum ExpositionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The body is not in the text format. Lines count from 1.
  case malformed(line: Int, reason: String)
  /// The line exceeds one of the `ExpositionLimits`.
  case tooLarge(line: Int, limit: String)

  package var description: String {
    switch self {
    case .malformed(let line, let reason): "line \(line): \(reason)"
    case .tooLarge(let line, let limit): "line \(line): more than \(limit)"
    }
  }
}
