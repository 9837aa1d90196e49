internal import KubeClient
internal import Primitives

/// A target that service discovery derives from a Pod, before a monitor's rules apply.
struct DiscoveredTarget: Hashable {
  var address: PodIP
  /// `nil` for a container without declared ports.
  var port: UInt16?
  /// The container that `__meta_kubernetes_pod_container_name` names; `nil` if none declares the port.
  var container: String?
  /// Of the declared container port; `nil` if none declares the port.
  var containerPort: ContainerPort?
  /// The name of the Service's port; `nil` for a target that the Service does not have, empty for an unnamed port.
  var servicePort: String?

  var expected: ExpectedTarget {
    ExpectedTarget(address: address, port: port, portName: containerPort.map(\.name) ?? servicePort)
  }
}

/// What service discovery makes of one Pod.
struct PodTargets {
  /// The first address, which is the only one that discovery by Pods knows.
  let address: PodIP
  let identity: PodIdentity
  /// In the order of discovery.
  let containers: [ScrapeFacts.Container]

  /// The targets of the role `pod`: one for each declared port, and one without a port for each container that declares none.
  ///
  /// Source: `buildPod` in discovery/kubernetes/pod.go of Prometheus.
  var ofPod: [DiscoveredTarget] {
    containers.flatMap { container in
      container.ports.isEmpty
        ? [DiscoveredTarget(address: address, port: nil, container: container.name)]
        : container.ports.map { DiscoveredTarget(address: address, port: $0.number, container: container.name, containerPort: $0) }
    }
  }

  /// The targets of the Pod as an endpoint of a Service: one for each port of the slices, and one for each other port that a container
  /// declares. If several containers declare a port, the last one is named, whichever listens.
  ///
  /// Source: `buildEndpointSlice` in discovery/kubernetes/endpointslice.go and `buildEndpoints` in endpoints.go of Prometheus.
  /// - Parameters:
  ///   - slices: those that the role sees.
  ///   - role: Endpoints have the ports of all slices together.
  func of(_ slices: [EndpointSliceRecord], in role: DiscoveryRole) -> [DiscoveredTarget] {
    let found = slices.map { (endpoints: $0.endpoints(of: identity), ports: $0.ports) }.filter {
      !$0.endpoints.isEmpty && !$0.ports.isEmpty
    }
    let allPorts = found.flatMap(\.ports)
    var targets: [DiscoveredTarget] = []
    for (endpoints, ports) in found {
      for endpoint in endpoints {
        for port in ports {
          let declaring = containers.last { $0.ports.contains { $0.number == port.number } }
          targets.append(
            DiscoveredTarget(
              address: .address(endpoint.address), port: port.number == 0 ? nil : port.number, container: declaring?.name,
              containerPort: declaring?.ports.first { $0.number == port.number }, servicePort: port.name))
        }
      }
      for container in containers {
        for port in container.ports where !(role == .endpoints ? allPorts : ports).contains(where: { $0.number == port.number }) {
          targets.append(DiscoveredTarget(address: address, port: port.number, container: container.name, containerPort: port))
        }
      }
    }
    // Slices of one Service differ in their ports, and each finds the declared ports that it does not have itself.
    var seen: Set<DiscoveredTarget> = []
    return targets.filter { seen.insert($0).inserted }
  }

  var declaredPorts: [DeclaredPort] {
    containers.flatMap { container in
      container.ports.map { DeclaredPort(container: container.name, name: $0.name, number: $0.number) }
    }
  }
}
