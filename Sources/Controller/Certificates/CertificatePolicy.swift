/// How long certificates last. All in seconds.
package struct CertificatePolicy: Hashable, Sendable {
  /// The CA trusts nothing but our own two certificates, and its key never leaves the Secret that they are in: who can read it has
  /// these too. So it need not be renewed often, and each renewal takes days (see `CertificatePlan`).
  package var authorityLife = 10 * 365 * day
  /// Renewed after 60 days, which leaves 30 for a controller that is down, or an agent that does not see its new Secret. Short enough that
  /// every installation renews before anybody has forgotten how.
  package var leafLife = 90 * day
  /// Certificates begin so long before they are made: for machines whose clock is behind.
  package var backdating = hour
  /// How long a new CA is only handed out before anything is signed with it. Kubelets show a changed Secret to the agents within about
  /// two minutes; a node that was away for an hour is covered, and a weekend of broken nodes costs only these nodes.
  package var handOut = day

  package init() {}

  private static let hour: Int64 = 3600
  private static let day: Int64 = 24 * hour

  /// Renewed when two thirds of its life are over.
  func isDue(_ certificate: CertificateFacts, at now: Int64) -> Bool {
    now - certificate.notBefore >= (certificate.notAfter - certificate.notBefore) / 3 * 2
  }
}
