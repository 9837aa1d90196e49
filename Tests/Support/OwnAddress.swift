internal import Foundation
internal import Synchronization

/// A loopback address that no other test and no other program uses, so every port on it is free: for programs that must be told
/// their port before they start, or that a test stops and starts again at the same address.
///
///     let address = OwnAddress()
///     let proxy = try ExternalProgram("microsocks", ["-i", address.host, "-p", "\(address.port)"], log: log)
///     try await proxy.waitForPort(address)
package struct OwnAddress: Sendable, CustomStringConvertible {
  /// The first three numbers of 254 addresses that are all this value's.
  package let network: String
  package let port: Int

  private static let count = Atomic(0)

  /// Two test processes share a network only if their IDs are equal modulo 192; one process uses each of its 256 networks in turn.
  /// 127.0 to 127.15 stay free for fixed addresses, from 127.208 on the benchmarks have theirs.
  package init(port: Int = 9000) {
    let number = Self.count.wrappingAdd(1, ordering: .relaxed).oldValue
    network = "127.\(16 + Int(getpid()) % 192).\(number % 256)"
    self.port = port
  }

  package var host: String { "\(network).1" }

  /// `host:port`.
  package var description: String { "\(host):\(port)" }
}
