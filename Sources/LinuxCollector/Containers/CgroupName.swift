internal import Primitives

/// The container or pod that a cgroup's name denotes.
///
/// | runtime | cgroupfs driver | systemd driver |
/// |---|---|---|
/// | containerd | `<id>` | `cri-containerd-<id>.scope` |
/// | CRI-O | `crio-<id>`, `crio-conmon-<id>` | `crio-<id>.scope`, `crio-conmon-<id>.scope` |
/// | Docker | `<id>` | `docker-<id>.scope` |
/// | Podman | `libpod-<id>`, `libpod-payload-<id>`, `libpod-conmon-<id>`, `conmon` | `libpod-<id>.scope`, `libpod-conmon-<id>.scope` |
/// | Podman's pods | `libpod_parent/<id>`, `<parent>/<id>` | `machine-libpod_pod_<id>.slice` |
/// | the kubelet's pods | `pod<uid>` | `kubepods-burstable-pod<uid, - as _>.slice` |
///
/// A containerd that gets systemd paths without `SystemdCgroup` creates `kubepods-pod<uid>.slice:cri-containerd:<id>`.
/// Unknown prefixes before the 64 digits are accepted.
enum CgroupName: Hashable {
  case container(ContainerID, podUID: String?)
  /// conmon, the monitor process of CRI-O and Podman. It belongs to no container.
  case monitor
  case pod(uid: String)
  case other

  /// - Parameter parent: the name of the parent directory.
  init(_ name: String, in parent: String) {
    var stem = name.hasSuffix(".scope") ? name.dropLast(".scope".count) : name[...]
    switch stem.withUTF8({ CgroupOwner(name: UnsafeRawBufferPointer($0)) }) {
    case .container(let id):
      let prefix = stem.dropLast(ContainerID.digits)
      let slice = prefix.split(separator: ":").first
      self = prefix.isEmpty && parent == "libpod_parent" ? .other : .container(id, podUID: slice.flatMap(Self.podUID(ofSlice:)))
    case .monitor: self = .monitor
    case .unknown: self = .other
    case nil:
      if let uid = Self.podUID(ofSlice: name[...]) ?? Self.podUID(ofDirectory: name[...]) {
        self = .pod(uid: uid)
      } else {
        self = name == "conmon" ? .monitor : .other
      }
    }
  }

  /// Whether Podman created the container's cgroup of this name.
  static func isPodmanContainer(_ name: String) -> Bool { name.hasPrefix("libpod-") }

  /// In slice names `-` separates levels of the hierarchy, so the kubelet replaces it by `_` in the UID.
  private static func podUID(ofSlice name: Substring) -> String? {
    guard name.hasSuffix(".slice") else { return nil }
    let stem = name.dropLast(".slice".count)
    guard let last = stem.lastIndex(of: "-") else { return nil }
    return podUID(ofDirectory: stem[stem.index(after: last)...])
  }

  private static func podUID(ofDirectory name: Substring) -> String? {
    guard name.hasPrefix("pod") else { return nil }
    let uid = String(name.dropFirst("pod".count).map { $0 == "_" ? "-" : $0 })
    // A UUID, or the 32 digits of a static pod's UID; `podman` is neither.
    return !uid.isEmpty && uid.utf8.allSatisfy { $0 == UInt8(ascii: "-") || $0.isHexadecimalDigit } ? uid : nil
  }
}
