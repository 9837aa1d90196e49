internal import Glibc

/// The process's limit of open files, RLIMIT_NOFILE of getrlimit(2).
package enum DescriptorLimit {
  /// Raises the soft limit, which is low by default for programs that use select(2), to the hard limit.
  /// - Returns: the resulting soft limit; `nil` if it cannot be read.
  package static func raise() -> Int? {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return nil }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
    guard getrlimit(resource, &limit) == 0 else { return nil }
    return Int(clamping: limit.rlim_cur)
  }
}
