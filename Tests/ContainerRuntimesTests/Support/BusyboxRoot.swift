import Foundation
import TestSupport

/// A container root directory with Debian's static busybox.
enum BusyboxRoot {
  static func make(at root: String) throws {
    try FileManager.default.createDirectory(atPath: "\(root)/bin", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: requireProgram("busybox", package: "busybox-static"), toPath: "\(root)/bin/busybox")
    for name in ["sh", "sleep", "pause"] {
      try FileManager.default.createSymbolicLink(atPath: "\(root)/bin/\(name)", withDestinationPath: "busybox")
    }
  }
}
