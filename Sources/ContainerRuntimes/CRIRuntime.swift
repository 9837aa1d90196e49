internal import FoundationEssentials
package import LinuxCollector
internal import NIOCore
package import ProcFS

/// The Container Runtime Interface, as containerd and CRI-O serve it to the kubelet.
/// Source: `runtime.v1` in https://github.com/kubernetes/cri-api. The number of a container's process is not part of the interface: both
/// runtimes give it in the JSON text `info` of a verbose status.
package struct CRIRuntime: ContainerRuntime {
  private static let service = "/runtime.v1.RuntimeService/"

  private let unixSocket: RuntimeSocket

  package init(_ socket: RuntimeSocket) {
    unixSocket = socket
  }

  package var socket: String { unixSocket.path }

  package func containers() throws(ProcFSError) -> [RunningContainer] {
    // ListContainersRequest.filter (1) . state (2) . state (1) = CONTAINER_RUNNING
    let running: [UInt8] = [0x0A, 0x04, 0x12, 0x02, 0x08, 0x01]
    switch try call("ListContainers", running) {
    case .message(let message): return try unixSocket.read(message, CRIMessages.containers)
    case .failure(let code, let text): throw refused("ListContainers", code, text)
    }
  }

  package func process(of id: ContainerID) throws(ProcFSError) -> Int32? {
    let digits = Array(id.description.utf8)
    // ContainerStatusRequest.container_id (1), .verbose (2) = true
    let request = [0x0A, UInt8(digits.count)] + digits + [0x10, 0x01]
    switch try call("ContainerStatus", request) {
    case .failure(.notFound, _): return nil
    case .failure(let code, let text): throw refused("ContainerStatus", code, text)
    case .message(let message):
      guard let info = try unixSocket.read(message, CRIMessages.info(ofStatus:)) else {
        throw unixSocket.unexpected("the verbose status of container \(id.short) has no info, by which the agent finds processes")
      }
      return try process(info)
    }
  }

  private struct Info: Decodable {
    var pid: Int32?
  }

  /// A container that is made and not started has the number 0.
  private func process(_ info: [UInt8]) throws(ProcFSError) -> Int32? {
    do {
      return try JSONDecoder().decode(Info.self, from: Data(info)).pid.flatMap { $0 > 0 ? $0 : nil }
    } catch {
      throw unixSocket.unexpected("the info of a container's verbose status is not what containerd and CRI-O give: \(error)")
    }
  }

  private func call(_ method: String, _ message: [UInt8]) throws(ProcFSError) -> GRPCAnswer {
    try unixSocket.call(Self.service + method, message)
  }

  private func refused(_ method: String, _ code: GRPCCode, _ text: String) -> ProcFSError {
    let advice =
      code == .unimplemented
      ? "; the runtime does not speak CRI v1: containerd since 1.6 and CRI-O since 1.23 do, where it is not disabled (cri-dockerd: use --locator docker)"
      : ""
    return unixSocket.unexpected("\(method) failed with gRPC code \(code.rawValue): \(text.prefix(200))\(advice)")
  }
}

extension RuntimeSocket {
  /// What is wrong with the message becomes an error that names the socket.
  fileprivate func read<Value>(
    _ message: [UInt8], _ parse: (ArraySlice<UInt8>) throws(MalformedMessage) -> Value
  ) throws(ProcFSError) -> Value {
    do {
      return try parse(message[...])
    } catch {
      throw unexpected("its message is not one of CRI v1: \(error.reason)")
    }
  }
}
