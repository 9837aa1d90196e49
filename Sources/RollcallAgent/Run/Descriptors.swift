import Glibc
import ProcFS

/// How many files this process may have open.
enum Descriptors {
  /// For connections, certificates, watches of the cgroup tree, and what the libraries open.
  private static let reserve = 512

  /// Raises the limit as far as it may be raised.
  /// - Returns: of how many network namespaces the files may be kept open.
  static func namespaceRoom() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
    // The soft limit is low by habit, for programs that use select(2).
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
    let room = Int(clamping: limit.rlim_cur) - reserve
    // Those of its files, and of its containers' processes: a pod has two or three.
    return max(0, min(room / (NetworkFiles.descriptors + 3 * ProcessDirectory.descriptors), maximumNamespaces))
  }

  /// A node has a few hundred pods; the kernel keeps up to 32 KiB for each namespace's open files.
  private static let maximumNamespaces = 1000
}
