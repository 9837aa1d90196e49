#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// How many files this process may have open (R63).
enum OpenFiles {
  /// For watches, the server's own connections, probes, files of certificates, and what the libraries open.
  private static let reserve = 1024

  /// Raises the limit as far as it may be raised.
  /// - Returns: how many connections may be kept beside those that are in use.
  static func connectionCapacity(inUse: Int) -> Int {
    var limit = rlimit()
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0 else { return 0 }
    // The soft limit is low by habit, for programs that use select(2).
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
    guard getrlimit(resource, &limit) == 0 else { return 0 }
    return capacity(of: Int(clamping: limit.rlim_cur), inUse: inUse)
  }

  static func capacity(of limit: Int, inUse: Int) -> Int { max(0, limit - reserve - inUse) }
}
