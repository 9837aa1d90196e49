internal import ProcFS
package import Roll

extension Sweep {
  /// The sockets of the pods on the roll that have a network namespace of their own.
  package func sockets(of entries: [RollEntry]) -> [PodSockets] {
    zip(owners(by: entries), namespaces).compactMap { owner, reading in
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
