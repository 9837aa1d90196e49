internal import Glibc

/// Where something of the demo listens.
struct DemoPort {
  var address: String
  var port: Int
  /// What listens there, for people.
  var purpose: String
  /// What a person can do where it is taken.
  var remedy = "is another demo running? Only one at a time can have the nodes' addresses: end that one"

  /// - Throws: `DemoError`, where nothing can listen there. Said before anything starts, because the parts of the demo only know
  ///   their own port and would each fail by themselves.
  func checkThatItIsFree() throws(DemoError) {
    var socketAddress = sockaddr_in()
    socketAddress.sin_family = sa_family_t(AF_INET)
    socketAddress.sin_port = in_port_t(port).bigEndian
    // Names and IPv6 addresses, which only --listen can have, are the controller's to tell of.
    guard inet_pton(AF_INET, address, &socketAddress.sin_addr) == 1 else { return }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { close(descriptor) }
    // As servers do: connections of a demo that has just ended do not count.
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let bound = withUnsafePointer(to: &socketAddress) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard bound == 0 else { throw failure(errno) }
  }

  private func failure(_ number: Int32) -> DemoError {
    DemoError(description: "cannot listen on \(address):\(port) for \(purpose): \(String(cString: strerror(number))); \(remedy)")
  }
}

extension DemoCluster {
  /// Where its parts listen.
  var ports: [DemoPort] {
    nodes.flatMap { node -> [DemoPort] in
      if node.isLinux {
        return [9753, 9754].map { DemoPort(address: node.address, port: $0, purpose: "the agent of \(node.name)") }
      }
      return node.isVirtual ? [] : [DemoPort(address: node.address, port: 9182, purpose: "the exporter of \(node.name)")]
    }
      + pods.filter(\.node.isVirtual).map { DemoPort(address: $0.address, port: 8080, purpose: "the pod \($0.name)") }
  }
}
