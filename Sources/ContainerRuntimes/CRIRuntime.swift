internal import FoundationEssentials
internal import LinuxCollector
internal import NIOCore
package import Primitives
package import ProcFS
internal import Protobuf

/// The Container Runtime Interface of containerd and CRI-O.
/// Source: `runtime.v1` in https://github.com/kubernetes/cri-api. PIDs are not part of the interface: both runtimes return them in the JSON
/// text `info` of a verbose status.
package struct CRIRuntime: ContainerRuntime {
  private static let service = "/runtime.v1.RuntimeService/"

  private let unixSocket: RuntimeSocket

  package init(_ socket: RuntimeSocket) {
    unixSocket = socket
  }

  package var socket: String { unixSocket.path }

  package func containers() throws(ProcFSError) -> [RunningContainer] {
    // ListContainersRequest.filter (1) . state (2) . state (1) = CONTAINER_RUNNING (1)
    let running: [UInt8] = [0x0A, 0x04, 0x12, 0x02, 0x08, 0x01]
    switch try call("ListContainers", running) {
    case .message(let message): return try unixSocket.read(message, CRIMessages.containers)
    case .failure(let code, let text): throw requestFailed("ListContainers", code, text)
    }
  }

  package func process(of id: ContainerID) throws(ProcFSError) -> Int32? {
    // ContainerStatusRequest.container_id (1), .verbose (2) = true
    var request: [UInt8] = []
    request.append(field: 1, id.description)
    request.append(field: 2, varint: 1)
    switch try call("ContainerStatus", request) {
    case .failure(.notFound, _): return nil
    case .failure(let code, let text): throw requestFailed("ContainerStatus", code, text)
    case .message(let message):
      guard let info = try unixSocket.read(message, CRIMessages.info(ofStatus:)) else {
        throw unixSocket.unexpected("the verbose status of container \(id.short) has no info, which the agent needs to find processes")
      }
      return try process(info)
    }
  }

  package func process(ofSandbox id: ContainerID) throws(ProcFSError) -> Int32? {
    // PodSandboxStatusRequest.pod_sandbox_id (1), .verbose (2) = true
    var request: [UInt8] = []
    request.append(field: 1, id.description)
    request.append(field: 2, varint: 1)
    guard case .message(let message) = try call("PodSandboxStatus", request),
      let info = try unixSocket.read(message, CRIMessages.info(ofStatus:))
    else { return nil }
    return try process(info)
  }

  private struct Info: Decodable {
    var pid: Int32?
  }

  /// A container that is created but not started has the PID 0.
  private func process(_ info: [UInt8]) throws(ProcFSError) -> Int32? {
    do {
      return try JSONDecoder().decode(Info.self, from: Data(info)).pid.flatMap { $0 > 0 ? $0 : nil }
    } catch {
      throw unixSocket.unexpected("the info of a container's verbose status does not have the form of containerd and CRI-O: \(error)")
    }
  }

  private func call(_ method: String, _ message: [UInt8]) throws(ProcFSError) -> GRPCResponse {
    try unixSocket.call(Self.service + method, message)
  }

  private func requestFailed(_ method: String, _ code: GRPCCode, _ text: String) -> ProcFSError {
    let advice =
      code == .unimplemented
      ? "; the runtime does not serve CRI v1, which needs containerd 1.6 or CRI-O 1.23 and the CRI plugin enabled (cri-dockerd: use --locator docker)"
      : ""
    return unixSocket.unexpected("\(method) failed with gRPC code \(code.rawValue): \(text.prefix(200))\(advice)")
  }
}

extension RuntimeSocket {
  /// Parses a message; errors name the socket.
  fileprivate func read<Value>(
    _ message: [UInt8], _ parse: (ArraySlice<UInt8>) throws(ProtobufError) -> Value
  ) throws(ProcFSError) -> Value {
    do {
      return try parse(message[...])
    } catch {
      throw unexpected("not a message of CRI v1: \(error.reason)")
    }
  }
}

/// Reads the few fields of CRI messages that are needed to find processes.
enum CRIMessages {
  /// ListContainersResponse.containers (1)
  static func containers(_ message: ArraySlice<UInt8>) throws(ProtobufError) -> [RunningContainer] {
    var containers: [RunningContainer] = []
    var fields = ProtobufReader(message)
    while let field = try fields.next() {
      if field.number == 1, let one = try container(field.bytes) { containers.append(one) }
    }
    return containers
  }

  /// Container.id (1), .pod_sandbox_id (2), .labels (8)
  private static func container(_ message: ArraySlice<UInt8>) throws(ProtobufError) -> RunningContainer? {
    var id: ContainerID?
    var podUID: String?
    var sandbox: ContainerID?
    var fields = ProtobufReader(message)
    while let field = try fields.next() {
      switch field.number {
      case 1: id = ContainerID(String(decoding: field.bytes, as: UTF8.self))
      case 2: sandbox = ContainerID(String(decoding: field.bytes, as: UTF8.self))
      case 8:
        // The kubelet sets this label on every container.
        let (key, value) = try entry(field.bytes)
        if key.elementsEqual("io.kubernetes.pod.uid".utf8) { podUID = String(decoding: value, as: UTF8.self) }
      default: break
      }
    }
    // CRI lists sandboxes separately.
    return id.map { RunningContainer(id: $0, podUID: podUID, role: .application, sandbox: sandbox) }
  }

  /// ContainerStatusResponse.info (2), PodSandboxStatusResponse.info (2): the value of the key `info`
  static func info(ofStatus message: ArraySlice<UInt8>) throws(ProtobufError) -> [UInt8]? {
    var fields = ProtobufReader(message)
    while let field = try fields.next() {
      guard field.number == 2 else { continue }
      let (key, value) = try entry(field.bytes)
      if key.elementsEqual("info".utf8) { return Array(value) }
    }
    return nil
  }

  /// An entry of a map of strings: key (1), value (2)
  private static func entry(
    _ message: ArraySlice<UInt8>
  ) throws(ProtobufError) -> (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
    var entry: (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) = ([], [])
    var fields = ProtobufReader(message)
    while let field = try fields.next() {
      if field.number == 1 { entry.key = field.bytes }
      if field.number == 2 { entry.value = field.bytes }
    }
    return entry
  }
}
