internal import Primitives
internal import ProcFS
package import Roll

extension Sweep {
  /// The answer to each entry of the roll, in order.
  ///
  /// Containers that the sweep did not find, or only under another pod, are answered `PidNotFound` or `PermissionDenied` here. For
  /// containers that it found but could not read, `LinuxSweeper.finding(of:)` has set the reason.
  /// - Parameters:
  ///   - sandboxed: pods whose containers have no process on the host by design. Their containers are exempt once that is settled.
  ///   - now: by the clock of the sweep.
  package func answers(to entries: [RollEntry], sandboxed: SandboxedPods = SandboxedPods(), at now: Moment) -> [AgentAnswer] {
    let matches = RollMatches(entries, containers)
    let found = Dictionary(uniqueKeysWithValues: containers.indices.map { (containers[$0].id, $0) })
    return entries.map { entry in
      if sandboxed.settled.contains(entry.podUID) {
        return .exempt(
          .sandboxedRuntime, detail: "no container of the pod has a process, and the pod has no pause process: it is a sandbox")
      }
      guard let id = ContainerID(entry.containerID) else {
        return .missed(.pidNotFound, detail: invalidContainerIDDetail(entry.containerID))
      }
      guard let index = found[id] else { return notFound(id) }
      if matches.entry(of: containers[index]) == nil {
        return .missed(.pidNotFound, detail: "the cgroup \(containers[index].origin) has the container's name and is not the pod's")
      }
      switch containers[index].finding {
      case .namespace(let index): return .collected(age: (now - namespaces[index].readAt).seconds)
      case .host(let moment): return .collected(age: (now - moment).seconds)
      case .missed(let reason, let detail): return .missed(reason, detail: detail)
      }
    }
  }

  /// The pods on the roll, by UID, none of whose containers was found with a process that exists.
  package func podsWithoutProcess(on entries: [RollEntry]) -> Set<String> {
    let matches = RollMatches(entries, containers)
    var without = Set(entries.lazy.map(\.podUID))
    for container in containers {
      if case .missed(.pidNotFound, _) = container.finding { continue }
      if let entry = matches.entry(of: container) { without.remove(entry.podUID) }
    }
    return without
  }

  private func invalidContainerIDDetail(_ containerID: String) -> String {
    containerID.isEmpty
      ? "the roll has no container ID, by which the agent finds processes"
      : "the roll's container ID does not have \(ContainerID.digits) hexadecimal digits: \(containerID.prefix(80))"
  }

  private func notFound(_ id: ContainerID) -> AgentAnswer {
    // The container may be in a directory that could not be read, most likely the first one.
    if let problem = problems.first(where: \.isPermissionDenied) {
      return .missed(.permissionDenied, detail: "\(problem): the container may be there")
    }
    var detail = "no container \(id.short) in \(searchedPaths.joined(separator: ", "))"
    if let problem = problems.first { detail += "; \(problem)" }
    return .missed(.pidNotFound, detail: detail)
  }

  /// The socket numbers of the pods on the roll that have a network namespace of their own.
  /// - Parameter sandboxed: pods that are left out.
  package func sockets(of entries: [RollEntry], sandboxed: SandboxedPods = SandboxedPods()) -> [PodSockets] {
    zip(owners(by: RollMatches(entries, containers), sandboxed.all), namespaces).compactMap { owner, reading in
      guard case .pod(let namespace, let name) = owner else { return nil }
      var pod = PodSockets(namespace: namespace, pod: name)
      pod.established = reading.snmp[.tcpCurrEstab]
      pod.inUse = reading.sockstat[.tcpInUse].map { $0 + (reading.sockstat6?[.tcpInUse] ?? 0) }
      pod.timeWait = reading.sockstat[.tcpTimeWait]
      pod.orphans = reading.sockets?.orphans
      pod.total = reading.sockstat[.socketsUsed]
      pod.udp = reading.sockstat[.udpInUse].map { $0 + (reading.sockstat6?[.udpInUse] ?? 0) }
      return pod
    }
  }
}
