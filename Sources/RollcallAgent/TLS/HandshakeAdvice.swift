import TLSServing

extension TLSFailure {
  /// What the operator can do; `nil` if there is nothing particular to do.
  var advice: String? {
    switch self {
    case .untrustedClient:
      "a controller's call is accepted again once its certificate and the agent's ca.crt are from the same Secret rollcall-tls, which the kubelet "
        + "updates within about a minute; a client other than the controller has no business here"
    case .untrustedByClient:
      "the controller trusts this agent again once the agent has the current Secret rollcall-tls, which the kubelet updates within about a minute"
    case .noClientCertificate: "only the controller may call this port; scrapers and probes use the port of --listen"
    case .notTLS: "use https, or the port of --listen"
    case .closedByClient, .tooSlow, .other: nil
    }
  }
}
