internal import ProcessLimits

/// The limit of open files (R63).
enum OpenFiles {
  /// For watches, the server's own connections, probes, certificate files, and the libraries.
  private static let reserve = 1024

  /// Raises the limit as far as permitted.
  /// - Returns: the number of idle connections that can be kept beside those in use.
  static func connectionCapacity(inUse: Int) -> Int {
    DescriptorLimit.raise().map { capacity(of: $0, inUse: inUse) } ?? 0
  }

  static func capacity(of limit: Int, inUse: Int) -> Int { max(0, limit - reserve - inUse) }
}
