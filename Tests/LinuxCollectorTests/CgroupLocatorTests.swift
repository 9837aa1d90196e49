import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

@Suite(.ownThread) struct CgroupLocatorTests {
  private static let id = containerID("a1")
  private static let uid = "0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"
  private static let escapedUID = uid.replacing("-", with: "_")

  /// The cgroup path of a container with one runtime and driver, and the expected pod UID.
  struct Form: CustomTestStringConvertible, Sendable {
    var name: String
    var path: String
    var podUID: String?
    var testDescription: String { name }
  }

  static let forms: [Form] = [
    Form(name: "containerd with cgroupfs", path: "kubepods/burstable/pod\(uid)/\(id)", podUID: uid),
    Form(name: "containerd with cgroupfs, guaranteed", path: "kubepods/pod\(uid)/\(id)", podUID: uid),
    Form(
      name: "a static pod, whose UID is a hash", path: "kubepods/pod8f1f9ea5c60ba6bd3a1f7b1e0c4b0f4d/\(id)",
      podUID: "8f1f9ea5c60ba6bd3a1f7b1e0c4b0f4d"),
    Form(
      name: "containerd with systemd",
      path: "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(escapedUID).slice/cri-containerd-\(id).scope", podUID: uid),
    Form(
      name: "containerd with systemd, guaranteed", path: "kubepods.slice/kubepods-pod\(escapedUID).slice/cri-containerd-\(id).scope",
      podUID: uid),
    Form(
      name: "containerd with systemd paths but without SystemdCgroup",
      path: "system.slice/containerd.service/kubepods-burstable-pod\(escapedUID).slice:cri-containerd:\(id)", podUID: uid),
    Form(
      name: "CRI-O with systemd",
      path: "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(escapedUID).slice/crio-\(id).scope",
      podUID: uid),
    Form(name: "CRI-O outside of Kubernetes", path: "crio/crio-\(id)", podUID: nil),
    Form(name: "CRI-O with cgroupfs", path: "kubepods/besteffort/pod\(uid)/crio-\(id)", podUID: uid),
    Form(
      name: "cri-dockerd with systemd", path: "kubepods.slice/kubepods-pod\(escapedUID).slice/docker-\(id).scope", podUID: uid),
    Form(name: "Docker with systemd", path: "system.slice/docker-\(id).scope", podUID: nil),
    Form(name: "Docker with cgroupfs", path: "docker/\(id)", podUID: nil),
    Form(name: "Podman with systemd", path: "machine.slice/libpod-\(id).scope", podUID: nil),
    Form(name: "Podman with its child cgroup", path: "machine.slice/libpod-\(id).scope/container", podUID: nil),
    Form(
      name: "rootless Podman", path: "user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope/container", podUID: nil),
    Form(name: "a container that runs systemd", path: "kubepods/pod\(uid)/\(id)/system.slice/web.service", podUID: uid),
    Form(
      name: "CRI-O with crun's child cgroup", path: "kubepods.slice/kubepods-pod\(escapedUID).slice/crio-\(id).scope/container", podUID: uid
    ),
    Form(name: "cri-dockerd with cgroupfs", path: "kubepods/burstable/pod\(uid)/\(id)", podUID: uid),
    Form(name: "Docker with --cgroup-parent and cgroupfs", path: "batch/jobs/\(id)", podUID: nil),
    Form(name: "Docker with --cgroup-parent and systemd", path: "batch.slice/batch-jobs.slice/docker-\(id).scope", podUID: nil),
    Form(name: "Podman with cgroupfs", path: "libpod_parent/libpod-\(id)", podUID: nil),
    Form(name: "a Podman pod with cgroupfs", path: "libpod_parent/\(containerID("99"))/libpod-\(id)", podUID: nil),
    Form(name: "a Podman pod with --cgroup-parent and cgroupfs", path: "batch/\(containerID("99"))/libpod-\(id)", podUID: nil),
    Form(
      name: "a Podman pod with --cgroup-parent and systemd",
      path: "batch.slice/batch-libpod_pod_\(containerID("99")).slice/libpod-\(id).scope", podUID: nil),
    Form(
      name: "a Podman pod with systemd", path: "machine.slice/machine-libpod_pod_\(containerID("99")).slice/libpod-\(id).scope", podUID: nil
    ),
    Form(name: "Podman in a service of systemd, with split cgroups", path: "system.slice/web.service/libpod-payload-\(id)", podUID: nil),
    Form(name: "nerdctl with systemd", path: "system.slice/nerdctl-\(id).scope", podUID: nil),
    Form(name: "containerd's own namespaces", path: "k8s.io/\(id)", podUID: nil),
    Form(
      name: "a kubelet with --cgroup-root and cgroupfs", path: "custom/root/kubepods/besteffort/pod\(uid)/\(id)", podUID: uid),
    Form(
      name: "a kubelet with --cgroup-root and systemd",
      path:
        "custom.slice/custom-root.slice/custom-root-kubepods.slice/custom-root-kubepods-besteffort.slice/custom-root-kubepods-besteffort-pod\(escapedUID).slice/cri-containerd-\(id).scope",
      podUID: uid),
    Form(
      name: "a Kind node with cgroupfs", path: "docker/\(containerID("77"))/kubelet/kubepods/besteffort/pod\(uid)/\(id)", podUID: uid),
    Form(
      name: "a Kind node on Podman",
      path:
        "machine.slice/libpod-\(containerID("77")).scope/container/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod\(escapedUID).slice/cri-containerd-\(id).scope",
      podUID: uid),
    Form(
      name: "a Kind node",
      path:
        "docker/\(containerID("77"))/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod\(escapedUID).slice/cri-containerd-\(id).scope",
      podUID: uid),
  ]

  enum Layout: String, CaseIterable {
    case version1, version1BySystemdAlone, version2, hybrid

    var hierarchy: String {
      switch self {
      case .version1, .hybrid: "pids"
      case .version1BySystemdAlone: "systemd"
      case .version2: "."
      }
    }
  }

  @Test(arguments: forms, Layout.allCases)
  func `a container is found by its path`(form: Form, layout: Layout) throws {
    let tree = try FixtureTree()
    if layout == .version2 { try tree.unify() }
    if layout == .hybrid { try tree.unify("unified") }
    try tree.cgroup("\(layout.hierarchy)/\(form.path)", [4242, 4243])
    let location = tree.locator.locate(ReadBuffer())
    let id = try #require(ContainerID(Self.id))
    let container = try #require(location.containers.first { $0.id == id })
    #expect(container.podUID == form.podUID)
    #expect(container.processes.map(\.identifier) == [4242, 4243])
    // Apart from a Kind node no other container is found: neither Podman pods nor child cgroups are containers.
    #expect(location.containers.filter { $0.id != id }.map(\.id.short) == (form.path.contains(containerID("77")) ? ["000000000000"] : []))
    #expect(location.problems.isEmpty)
  }

  @Test func `in a hybrid layout a container that exists only in the unified hierarchy is found`() throws {
    let tree = try FixtureTree()
    try tree.unify("unified")
    try tree.cgroup("pids/docker/\(containerID("1"))", [1])
    try tree.cgroup("unified/docker/\(containerID("1"))", [])
    try tree.cgroup("unified/docker/\(containerID("2"))", [2])
    let location = tree.locator.locate(ReadBuffer())
    #expect(location.containers.map(\.id) == [ContainerID(containerID("1")), ContainerID(containerID("2"))].compactMap(\.self))
    #expect(location.containers.map { $0.processes.map(\.identifier) } == [[1], [2]])
    #expect(location.searchedPaths.map { $0.dropFirst(tree.cgroupRoot.count) } == ["/pids", "/unified"])
  }

  @Test(arguments: [
    "crio-conmon-\(id).scope", "crio-conmon-\(id)", "libpod-conmon-\(id).scope", "conmon", "x\(id)", "\(id.dropFirst())", "podman",
  ])
  func `names that are not a container's are ignored`(name: String) throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("kubepods/\(name)", [7])
    #expect(tree.locator.locate(ReadBuffer()).containers.isEmpty)
  }

  @Test func `processes of the container's own cgroup precede those of child cgroups, up to a limit for each`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(Self.id)", [1, 2])
    try tree.cgroup("docker/\(Self.id)/nested", Array(3...1000))
    let location = tree.locator.locate(ReadBuffer())
    #expect(location.containers.first?.processes.map(\.identifier) == Array(1...10))
    for index in 1...100 { try tree.cgroup("docker/\(Self.id)/other/\(index)", [2000 + Int32(index)]) }
    #expect(tree.locator.locate(ReadBuffer()).containers.first?.processes.count == 64)
  }

  @Test func `a nested container's processes do not belong to the outer container`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [1])
    try tree.cgroup("docker/\(containerID("1"))/docker/\(containerID("2"))", [2])
    #expect(tree.locator.locate(ReadBuffer()).containers.map { $0.processes.map(\.identifier) } == [[1], [2]])
  }

  @Test func `the monitor of a Podman pod's containers is not one of their processes`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("custom/\(containerID("99"))/conmon", [1])
    try tree.cgroup("custom/\(containerID("99"))/libpod-\(Self.id)", [2])
    #expect(tree.locator.locate(ReadBuffer()).containers.flatMap(\.processes).map(\.identifier) == [2])
  }

  @Test func `a container that runs Podman is found, as are its nested containers`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))/init", [1])
    try tree.cgroup("docker/\(containerID("1"))/libpod-\(containerID("2"))", [2])
    #expect(tree.locator.locate(ReadBuffer()).containers.map { $0.processes.map(\.identifier) } == [[1], [2]])
  }

  @Test func `containers are sorted by ID`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    let endings = ["9", "a", "1", "ff", "0c"]
    for ending in endings { try tree.cgroup("docker/\(containerID(ending))", [1]) }
    let found = tree.locator.locate(ReadBuffer()).containers.map(\.id.description)
    #expect(found == endings.map(containerID).sorted())
  }

  @Test func `a missing root is a problem with its path`() throws {
    let location = CgroupLocator(root: "/nonexistent/cgroup", now: { Moment(milliseconds: 0) }).locate(ReadBuffer())
    #expect(location.containers.isEmpty)
    #expect("\(location.problems)".contains("/nonexistent/cgroup"))
  }
}
