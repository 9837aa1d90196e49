/// What the name of a cgroup says about containers. The name is that of the directory without `.scope`.
package enum CgroupOwner: Hashable, Sendable {
  case container(ContainerID)
  /// conmon, which monitors a container and has its ID in its name.
  case monitor
  /// The name ends with the digits of an ID, but is not of a known form.
  case unknown

  /// The 64 digits of an ID stand alone, or after a prefix that ends with `-` or `:`, such as `docker-`, `cri-containerd-`, `crio-`,
  /// `libpod-` or `kubepods-pod<uid>.slice:cri-containerd:`.
  /// - Returns: `nil` for a name that does not end with the digits of an ID.
  package init?(name: UnsafeRawBufferPointer) {
    guard let id = ContainerID(bytes: UnsafeRawBufferPointer(rebasing: name.suffix(ContainerID.digits))) else { return nil }
    let prefix = name.dropLast(ContainerID.digits)
    switch prefix.last {
    case nil: self = .container(id)
    case UInt8(ascii: "-"), UInt8(ascii: ":"):
      self = prefix.dropLast().suffix(Self.monitorName.count).elementsEqual(Self.monitorName) ? .monitor : .container(id)
    default: self = .unknown
    }
  }

  private static let monitorName = Array("conmon".utf8)
}

extension ContainerID {
  /// The container whose cgroup has this name; `nil` for any other name.
  package init?(cgroupName name: UnsafeRawBufferPointer) {
    guard case .container(let id) = CgroupOwner(name: name) else { return nil }
    self = id
  }
}
