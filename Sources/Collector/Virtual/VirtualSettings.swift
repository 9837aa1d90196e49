package import Exposition
package import HTTPTransport
package import Roll

/// How the cAdvisor endpoints of virtual nodes are scraped.
package struct VirtualSettings: Hashable, Sendable {
  /// The default endpoint. Nodes and pods can override it.
  package var endpoint = VirtualEndpoint()
  /// The number of concurrent transfers for all nodes together. More than 64 gain nothing on one machine or network.
  package var maximumTransfers = 64
  /// Connections stay open between roll calls only up to this number of pods. With more pods, each is closed after its response.
  package var keptConnections = 64
  /// The families that are kept.
  package var families = FamilyFilter.standard
  /// The kept families that are stored for serving. `nil` for none.
  package var servedFamilies: FamilyFilter? = .everything
  /// Whether the collector's sink receives all kept families.
  package var feedsSink = false
  /// Whose requests for the served families count as scrapes.
  package var scrapers = Scrapers.common
  /// Whether served samples keep their timestamps.
  package var keepsTimestamps = true
  /// For one scrape, from connecting to the last byte.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  /// For the response of a pod, or its part of a node's response.
  package var limits = ExpositionLimits(bytes: 4 << 20, series: 50_000)
  /// For the response of a node: room for 5,000 pods with 100 KB and 400 series each.
  package var nodeLimits = ExpositionLimits(bytes: 512 << 20, series: 2_000_000)
  /// For what is served of a node. `nil` for no limit.
  package var nodeBudget: PageBudget?
  /// The part of the interval over which scrapes are spread. Each pod is scraped at a fixed offset into the interval. A pod that was slow
  /// to fail last time is deferred to the next roll call if the window is too short for it. If `nil`, all pods are scraped at once.
  package var scrapeWindow: Duration?
  /// The maximum age of a sample, by the clock of the sending server, and how long a scrape is served after its arrival.
  package var stalenessLimit: Duration = .seconds(120)
  /// For the scheme `https`. If `nil`, the system's authorities are trusted. There is no setting for a client certificate: pods choose
  /// their addresses, and no credential may be sent to an address that a pod chose (R42).
  package var certificateAuthorities: PEMSource?
  /// If false, server certificates are not verified.
  package var verifiesCertificates = true
  /// A file with a bearer token for nodes, as kubelets require it. Sent over `https` only, and never to a pod.
  package var nodeTokenFile: String?
  /// Allows loopback and link-local addresses, for tests and the demo.
  package var allowsLoopback = false

  package init() {}
}

/// The cAdvisor endpoint of a virtual node.
package struct VirtualEndpoint: Hashable, Sendable {
  /// Which server has the endpoint.
  package enum Scope: String, CaseIterable, Sendable {
    /// Each pod, at its own address.
    case pods
    /// The node, for all its pods, with the parameter `?nodeName=`. Several virtual nodes can share an address.
    case node
  }

  package var scheme = "http"
  package var port = 8080
  package var path = "/metrics/cadvisor"
  package var scope = Scope.pods

  package init() {}
}

/// The endpoints that nodes and pods choose themselves.
package struct VirtualEndpointOverrides: Sendable {
  /// The endpoint of a node, based on the settings.
  package var ofNode: @Sendable (_ node: String, _ configured: VirtualEndpoint) -> VirtualEndpoint
  /// The endpoint of a pod, based on its node's.
  package var ofPod: @Sendable (_ namespace: String, _ pod: String, _ ofNode: VirtualEndpoint) -> VirtualEndpoint

  package init(
    ofNode: @escaping @Sendable (_ node: String, _ configured: VirtualEndpoint) -> VirtualEndpoint,
    ofPod: @escaping @Sendable (_ namespace: String, _ pod: String, _ ofNode: VirtualEndpoint) -> VirtualEndpoint
  ) {
    self.ofNode = ofNode
    self.ofPod = ofPod
  }

  /// No overrides.
  package static let asConfigured = VirtualEndpointOverrides(
    ofNode: { _, endpoint in endpoint }, ofPod: { _, _, endpoint in endpoint })
}

/// Selects families by name: those that a pattern of `kept` matches and no pattern of `dropped` does. A pattern is a name, or a prefix
/// followed by `*`.
package struct FamilyFilter: Hashable, Sendable {
  private struct Pattern: Hashable, Sendable {
    var name: [UInt8]
    var isPrefix: Bool

    init(_ text: String) {
      isPrefix = text.hasSuffix("*")
      name = Array((isPrefix ? text.dropLast() : text[...]).utf8)
    }

    func matches(_ family: UnsafeRawBufferPointer) -> Bool {
      isPrefix ? family.starts(with: name) : family.elementsEqual(name)
    }
  }

  private let kept: [Pattern]
  private let dropped: [Pattern]

  package init(kept: [String], dropped: [String] = []) {
    self.kept = kept.map(Pattern.init)
    self.dropped = dropped.map(Pattern.init)
  }

  /// The container families of a kubelet's `/metrics/cadvisor`.
  package static let standard = FamilyFilter(kept: ["container_*"])

  package static let everything = FamilyFilter(kept: ["*"])

  package func keeps(_ family: UnsafeRawBufferPointer) -> Bool {
    kept.contains { $0.matches(family) } && !dropped.contains { $0.matches(family) }
  }
}
