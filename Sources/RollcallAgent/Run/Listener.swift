import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// A server with the option that says where it listens, for the message where it cannot.
struct Listener: Service {
  let option: String
  let address: ListenAddress
  let server: any Service

  func run() async throws {
    do {
      try await server.run()
    } catch let error as IOError {
      throw ListenError(description: "cannot listen on \(address): \(error); choose another address and port with --\(option)")
    } catch let error as SocketAddressError {
      throw ListenError(description: "cannot listen on \(address): \(error); choose an address of this machine with --\(option)")
    }
  }
}

struct ListenError: Error, CustomStringConvertible {
  let description: String
}
