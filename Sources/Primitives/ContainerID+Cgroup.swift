extension ContainerID {
  /// The container of a cgroup, by the name of its directory without `.scope`: the 64 digits alone, or after a prefix that ends with `-` or
  /// `:`, such as `docker-`, `cri-containerd-`, `crio-`, `libpod-` or `kubepods-pod<uid>.slice:cri-containerd:`. `nil` for conmon, which
  /// monitors a container and has its ID in its name, and for any other name.
  package init?(cgroupName name: UnsafeRawBufferPointer) {
    guard let id = ContainerID(bytes: UnsafeRawBufferPointer(rebasing: name.suffix(Self.digits))) else { return nil }
    let prefix = name.dropLast(Self.digits)
    guard let separator = prefix.last else {
      self = id
      return
    }
    guard separator == UInt8(ascii: "-") || separator == UInt8(ascii: ":"),
      !prefix.dropLast().suffix(Self.monitor.count).elementsEqual(Self.monitor)
    else { return nil }
    self = id
  }

  private static let monitor = Array("conmon".utf8)
}
