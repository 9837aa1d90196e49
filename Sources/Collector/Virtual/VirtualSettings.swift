package import Exposition
package import HTTPTransport

/// How the cAdvisor endpoints of the pods on virtual nodes are polled.
package struct VirtualSettings: Hashable, Sendable {
  /// Where a page is unless the node or the pod says otherwise.
  package var endpoint = VirtualEndpoint()
  /// How many pages are fetched at the same time, of all nodes together. More than 64 gain nothing on one machine or network.
  package var maximumTransfers = 64
  /// Up to so many pods have their connections kept between rounds. With more, each connection is closed after its page.
  package var keptConnections = 64
  /// Which families are kept.
  package var families = FamilyFilter.standard
  /// Of these, the ones that are held to be served; `nil` where nothing is.
  package var servedFamilies: FamilyFilter? = .everything
  /// Whether all that is kept is handed to the collector's sink as it arrives.
  package var handsOver = false
  /// Whether samples keep the times that they carry.
  package var keepsTimestamps = true
  /// For one pod from connecting to the last byte.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  /// For one pod's page, or its part of a node's.
  package var limits = ExpositionLimits(bytes: 4 << 20, series: 50_000)
  /// For the page of a node that answers for its pods: so many that each of 5,000 may have 100 KB and 400 series.
  package var nodeLimits = ExpositionLimits(bytes: 512 << 20, series: 2_000_000)
  /// The part of an interval in which pods begin to be asked, each at its own moment of it, the same every time. Those that were slow to
  /// fail the last time wait for the next call where it does not suffice for them. `nil` asks all at once, and everyone every time.
  package var askingTime: Duration?
  /// How old a sample may be, by the clock of the server that sends it, and how long a page is served after it came.
  package var stalenessLimit: Duration = .seconds(120)
  /// For the scheme `https`; `nil` trusts the system's authorities. A client certificate cannot be set: pods choose where they listen, and
  /// no credential goes to an address that a pod chose (R42).
  package var certificateAuthorities: PEMSource?
  /// Off only where a user asked for it by name: the pods' certificates are then not checked.
  package var verifiesCertificates = true
  /// A file with a bearer token for nodes that answer for their pods, as kubelets want it; sent over `https` alone, and never to a pod.
  package var nodeTokenFile: String?
  /// Lets loopback and link-local addresses be asked, for tests and the demo.
  package var allowsLoopback = false

  package init() {}
}

/// Where the cAdvisor pages of a virtual node are.
package struct VirtualEndpoint: Hashable, Sendable {
  /// Who is asked.
  package enum Scope: String, CaseIterable, Sendable {
    /// Each pod at its own address.
    case pods
    /// The node, which answers for all its pods under `?nodeName=`; several virtual nodes may be at one address.
    case node
  }

  package var scheme = "http"
  package var port = 8080
  package var path = "/metrics/cadvisor"
  package var scope = Scope.pods

  package init() {}
}

/// What nodes and pods say about where their pages are, above the settings.
package struct VirtualEndpointOverrides: Sendable {
  /// The endpoint of a node's pages, made from what the settings say.
  package var ofNode: @Sendable (_ node: String, _ configured: VirtualEndpoint) -> VirtualEndpoint
  /// The endpoint of one pod's page, made from what its node says.
  package var ofPod: @Sendable (_ namespace: String, _ pod: String, _ ofNode: VirtualEndpoint) -> VirtualEndpoint

  package init(
    ofNode: @escaping @Sendable (_ node: String, _ configured: VirtualEndpoint) -> VirtualEndpoint,
    ofPod: @escaping @Sendable (_ namespace: String, _ pod: String, _ ofNode: VirtualEndpoint) -> VirtualEndpoint
  ) {
    self.ofNode = ofNode
    self.ofPod = ofPod
  }

  /// Nobody says anything.
  package static let asConfigured = VirtualEndpointOverrides(ofNode: { _, endpoint in endpoint }, ofPod: { _, _, endpoint in endpoint })
}
