internal import Glibc

/// Far more than any token, certificate or kubeconfig; stops reading an endless device.
private let largestFile = 16 << 20

/// Reads a whole file, also a pipe or `/dev/null`.
/// - Throws: `ConfigurationError.unreadable` with the file and its use.
func readFile(_ path: String, usedBy use: String) throws(ConfigurationError) -> [UInt8] {
  func failure(_ number: Int32) -> ConfigurationError {
    .unreadable(path: path, usedBy: use, reason: String(cString: strerror(number)))
  }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw failure(errno) }
  defer { close(descriptor) }

  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    if count == 0 { return bytes }
    if count < 0 {
      if errno == EINTR { continue }
      throw failure(errno)
    }
    bytes += chunk[..<count]
    guard bytes.count <= largestFile else {
      throw .unreadable(path: path, usedBy: use, reason: "it is larger than \(largestFile) bytes")
    }
  }
}

/// Whether the path does not exist. An unreadable file is not missing.
func isMissing(_ path: String) -> Bool {
  access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)
}

/// Why a path is inaccessible; `nil` if it is accessible.
func obstacle(to path: String) -> String? {
  access(path, F_OK) == 0 ? nil : String(cString: strerror(errno))
}
