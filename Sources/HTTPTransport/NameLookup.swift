internal import AsyncPrimitives
internal import Glibc
package import Primitives

/// Looks up all addresses of a name, as the system is configured: hosts file, DNS with its search domains, and whatever else. For peers
/// that share a name and must each be reached; requests to any one of them leave the lookup to libcurl.
package enum NameLookup {
  /// The addresses, without repetition and in the order of preference.
  ///
  /// Blocks a thread of its own. When the task is cancelled, this returns at once and the thread ends when the system's resolver gives up.
  package static func addresses(of name: String) async throws(NameLookupError) -> [IPAddress] {
    if let address = IPAddress(name) { return [address] }
    let lookup = Lookup(name: name)
    try lookup.start()
    guard let result = await lookup.result.valueUnlessCancelled() else { throw NameLookupError(name: name, reason: "cancelled") }
    return try result.get()
  }
}

/// A name that cannot be looked up.
package struct NameLookupError: Error, Hashable, CustomStringConvertible {
  package var name: String
  package var reason: String

  package init(name: String, reason: String) {
    self.name = name
    self.reason = reason
  }

  package var description: String { "cannot look up \(name): \(reason)" }
}

/// One lookup on a detached thread, which ends with it.
private final class Lookup: Sendable {
  let name: String
  let result = Promise<Result<[IPAddress], NameLookupError>>()

  init(name: String) {
    self.name = name
  }

  func start() throws(NameLookupError) {
    var thread = pthread_t()
    let me = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { argument in
        TransferLoop.blockSignals()
        if let argument {
          let lookup = Unmanaged<Lookup>.fromOpaque(argument).takeRetainedValue()
          lookup.result.fulfill(lookup.addresses())
        }
        return nil
      }, me.toOpaque())
    guard code == 0 else {
      me.release()
      throw NameLookupError(name: name, reason: "pthread_create: \(systemMessage(code))")
    }
    pthread_detach(thread)
  }

  private func addresses() -> Result<[IPAddress], NameLookupError> {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    // Only families that this machine has.
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, nil, &hints, &list)
    guard code == 0 else {
      return .failure(NameLookupError(name: name, reason: code == EAI_SYSTEM ? systemMessage(errno) : String(cString: gai_strerror(code))))
    }
    defer { freeaddrinfo(list) }
    var addresses: [IPAddress] = []
    var next = list
    while let entry = next {
      if let raw = entry.pointee.ai_addr, let address = IPAddress(socketAddress: raw, length: Int(entry.pointee.ai_addrlen)),
        !addresses.contains(address)
      {
        addresses.append(address)
      }
      next = entry.pointee.ai_next
    }
    return addresses.isEmpty ? .failure(NameLookupError(name: name, reason: "it has no address")) : .success(addresses)
  }
}
