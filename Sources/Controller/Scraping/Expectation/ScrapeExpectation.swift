package import Primitives

/// One way in which a container asks to be scraped, and how far the objects of the API server carry it: to a target that a scraper is
/// expected to have, or to the first link that is broken before any scraper.
package struct ScrapeExpectation: Hashable, Sendable {
  package enum Outcome: Hashable, Sendable {
    case target(ExpectedTarget, Adoption)
    case broken(BrokenLink)
  }

  /// Namespace, name and UID of the Pod.
  package var pod: PodIdentity
  /// `nil` where only the Pod can be told: no container declares the port.
  package var container: String?
  package var request: ScrapeRequest
  package var outcome: Outcome

  package init(pod: PodIdentity, container: String?, request: ScrapeRequest, outcome: Outcome) {
    self.pod = pod
    self.container = container
    self.request = request
    self.outcome = outcome
  }
}

/// What asks for a scrape.
package enum ScrapeRequest: Hashable, Sendable {
  /// A monitor selects the Pod.
  /// - Parameters:
  ///   - endpoint: the index in the monitor's list of endpoints.
  ///   - service: the Service through which it selects the Pod; `nil` for a monitor of Pods.
  case monitor(MonitorID, endpoint: Int, service: String?)
  /// A ScrapeConfig discovers the Pod. Its relabeling decides what it keeps, so a dropped target is not a gap.
  case discovery(MonitorID)
  /// The annotations `prometheus.io/…` of the Pod, or of the named Service. No object says who follows them.
  case annotations(service: String?)
  /// Only a declared port whose name says that it serves metrics: a hint, and no gap.
  case portName

  /// The name of the scrape pool; `nil` where no object determines it.
  package var scrapePool: String? {
    switch self {
    case .monitor(let monitor, let endpoint, _): monitor.scrapePool(endpoint: endpoint)
    case .discovery(let monitor): monitor.scrapePool(endpoint: 0)
    case .annotations, .portName: nil
    }
  }
}

/// The target that service discovery makes of a container, before the user's relabeling.
package struct ExpectedTarget: Hashable, Sendable {
  package var address: PodIP
  /// `nil` for the default port of the scheme.
  package var port: UInt16?
  /// The name of the declared container port, or of the Service's port where no container declares it.
  package var portName: String?

  package init(address: PodIP, port: UInt16?, portName: String? = nil) {
    self.address = address
    self.port = port
    self.portName = portName
  }

  /// `__address__`: the address, in brackets if it is IPv6, and the port.
  package var hostAndPort: String {
    guard let port else { return address.description }
    if case .address(let address) = address, address.family == .ipv6 { return "[\(address)]:\(port)" }
    return "\(address):\(port)"
  }
}

/// Who has the monitor in its configuration.
package enum Adoption: Hashable, Sendable {
  /// These Prometheus objects have it, and their service discovery finds the target. Never empty.
  case adopted([Adopter])
  case unknown(UnknownAdoption)
}

/// A Prometheus object that has a monitor in its configuration.
package struct Adopter: Hashable, Sendable {
  package var prometheus: PrometheusID
  /// The effective role: the monitor's, else that of the Prometheus object, else Endpoints.
  package var role: DiscoveryRole

  package init(prometheus: PrometheusID, role: DiscoveryRole) {
    self.prometheus = prometheus
    self.role = role
  }
}

/// Why nothing can be said of adoption.
package enum UnknownAdoption: Hashable, Sendable {
  /// No object says who follows annotations, or who reads the monitors of the VictoriaMetrics operator.
  case notDeclared
  /// No Prometheus or PrometheusAgent object is known.
  case noPrometheus
  /// No Prometheus object selects the monitor, but these have no selector at all: their configuration is the user's and may have anything.
  case unmanaged([PrometheusID])
}

/// The first link that is broken, in the order of the chain.
package enum BrokenLink: Hashable, Sendable {
  /// No monitor selects the Pod, and no annotation asks for a scrape.
  /// - Parameter ports: the ports whose names say that they serve metrics.
  case noMonitor(ports: [DeclaredPort])
  case portNotFound(MissingPort)
  case noEndpoint(MissingEndpoint)
  /// No Prometheus object has the monitor.
  /// - Parameter reasons: why, for each Prometheus object; sorted.
  case monitorNotAdopted([MonitorRefusal])
}

/// A port that a container declares.
package struct DeclaredPort: Hashable, Sendable {
  package var container: String
  /// Empty for an unnamed port.
  package var name: String
  package var number: UInt16

  package init(container: String, name: String, number: UInt16) {
    self.container = container
    self.name = name
    self.number = number
  }
}

/// How a monitor names the port.
package enum PortReference: Hashable, Sendable {
  /// The name of a port: of the Service for a monitor of Services, of a container for a monitor of Pods. It is a regular expression, as the
  /// operator writes it into the configuration without escaping.
  case name(String)
  /// The name of a port that a container declares, also as a regular expression.
  case containerPortName(String)
  /// The number of a port that a container declares.
  case containerPortNumber(UInt16)
  /// Every port.
  case any
}

/// A port that a monitor names and that does not exist.
package struct MissingPort: Hashable, Sendable {
  package enum Place: Hashable, Sendable {
    /// Not among the ports of the Service, which are these.
    case service(String, ports: [String])
    /// The Service has the port, but its target port is a name that no container declares.
    case serviceTargetPort(String, targetPort: String)
    /// No container declares it. A port that only the Service knows does not count.
    case containers
  }

  package var wanted: PortReference
  package var place: Place
  /// The ports that the Pod's containers declare.
  package var declared: [DeclaredPort]

  package init(wanted: PortReference, place: Place, declared: [DeclaredPort]) {
    self.wanted = wanted
    self.place = place
    self.declared = declared
  }
}

/// A Service that selects the Pod and does not have it as an endpoint in the way that the monitor looks.
package struct MissingEndpoint: Hashable, Sendable {
  package enum Cause: Hashable, Sendable {
    /// The Service has no endpoints of Pods at all: it is of type ExternalName.
    case externalName
    /// No EndpointSlice has the Pod.
    case notInSlices
    /// Only slices of another IP family than the Service's first have it, which service discovery does not read.
    case otherFamily
    /// Only slices without an Endpoints object have it, which the role `endpoints` does not see.
    case sliceOnly
    /// The Pod is terminating, which removes it from Endpoints at once.
    case terminating
    /// The slice lacks the labels that `selectorMechanism: RoleSelector` demands of it.
    case sliceLabels
  }

  package var service: String
  package var role: DiscoveryRole
  package var cause: Cause

  package init(service: String, role: DiscoveryRole, cause: Cause) {
    self.service = service
    self.role = role
    self.cause = cause
  }
}

/// Why a Prometheus object does not have a monitor.
package struct MonitorRefusal: Hashable, Sendable {
  package enum Cause: Hashable, Sendable {
    /// The Prometheus object has no selector for monitors of this kind, and therefore takes none.
    case noSelector
    /// A requirement on the monitor's labels is not met.
    case labels(UnmetRequirement)
    /// A requirement on the labels of the monitor's Namespace is not met.
    case namespaceLabels(UnmetRequirement)
    /// Without a namespace selector it takes only monitors of its own namespace.
    case otherNamespace
    /// `ignoreNamespaceSelectors` reduces the monitor to its own namespace, and the Pod is in another.
    case namespaceSelectorIgnored
  }

  package var prometheus: PrometheusID
  package var cause: Cause

  package init(prometheus: PrometheusID, cause: Cause) {
    self.prometheus = prometheus
    self.cause = cause
  }
}

/// A requirement of a label selector, and the label that does not meet it.
package struct UnmetRequirement: Hashable, Sendable {
  package enum Operator: String, Hashable, Sendable {
    case isIn = "In"
    case isNotIn = "NotIn"
    case exists = "Exists"
    case doesNotExist = "DoesNotExist"
  }

  package var key: String
  package var `operator`: Operator
  /// Empty for `exists` and `doesNotExist`.
  package var values: [String]
  /// The value that the object has; `nil` without the label.
  package var actual: String?

  package init(key: String, operator: Operator, values: [String], actual: String?) {
    self.key = key
    self.operator = `operator`
    self.values = values
    self.actual = actual
  }
}
