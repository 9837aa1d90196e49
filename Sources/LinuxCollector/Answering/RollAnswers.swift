internal import ProcFS
package import Roll

extension Sweep {
  /// What each entry of the roll is answered, in its order.
  /// - Parameter now: by the clock that the sweep was stamped with.
  package func answers(to entries: [RollEntry], at now: Moment) -> [AgentAnswer] {
    let found = Dictionary(uniqueKeysWithValues: containers.indices.map { (containers[$0].id, $0) })
    return entries.map { entry in
      guard let id = ContainerID(entry.containerID) else { return .missed(.pidNotFound, detail: whyUnusable(entry.containerID)) }
      guard let index = found[id] else { return absent(id) }
      switch containers[index].finding {
      case .namespace(let place): return .collected(age: (now - namespaces[place].readAt).seconds)
      case .host(let moment): return .collected(age: (now - moment).seconds)
      case .missed(let reason, let detail): return .missed(reason, detail: detail)
      }
    }
  }

  private func whyUnusable(_ containerID: String) -> String {
    containerID.isEmpty
      ? "the roll names no container ID, by which the agent finds processes"
      : "the roll's container ID is not of \(ContainerID.digits) hexadecimal digits: \(containerID.prefix(80))"
  }

  private func absent(_ id: ContainerID) -> AgentAnswer {
    // Where something could not be looked at, the container may be there: the first such thing is the likeliest cause.
    if let problem = problems.first(where: \.isPermissionDenied) {
      return .missed(.permissionDenied, detail: "\(problem): the container may be there")
    }
    var detail = "no container \(id.short) in \(places.joined(separator: ", "))"
    if let problem = problems.first { detail += "; \(problem)" }
    return .missed(.pidNotFound, detail: detail)
  }
}
