package import Exposition
package import HTTPTransport

/// How the cAdvisor endpoints of the pods on virtual nodes are polled.
package struct VirtualSettings: Hashable, Sendable {
  package var scheme = "http"
  package var port = 8080
  package var path = "/metrics/cadvisor"
  /// How many pods of one node are asked at the same time.
  package var maximumTransfers = 64
  /// For one pod from connecting to the last byte.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  /// For one pod's page.
  package var limits = ExpositionLimits(bytes: 4 << 20, series: 50_000)
  /// How old a container's newest sample may be, by the clock of the server that sends it.
  package var stalenessLimit: Duration = .seconds(120)
  /// For the scheme `https`; `nil` trusts the system's authorities. A client certificate cannot be set: pods choose where they listen, and
  /// no credential goes to an address that a pod chose.
  package var certificateAuthorities: PEMSource?
  /// Off only where a user asked for it by name: the pods' certificates are then not checked.
  package var verifiesCertificates = true
  /// Lets loopback and link-local addresses be asked, for tests and the demo.
  package var allowsLoopback = false

  package init() {}
}
