internal import HTTPTransport
internal import Roll

/// Which reasons of ours the failures of one kind of peer are counted under.
struct FailureReasons {
  /// No connection came about: name, TCP, TLS, or an address that we refuse.
  var unreachable: Reason
  /// Connected, and not answered in time.
  var timeout: Reason
  /// What came is not a whole answer.
  var broken: Reason

  static let agent = FailureReasons(unreachable: .agentUnreachable, timeout: .agentTimeout, broken: .unknown)
  static let exporter = FailureReasons(unreachable: .exporterUnreachable, timeout: .exporterTimeout, broken: .badExposition)
  static let endpoint = FailureReasons(unreachable: .endpointUnreachable, timeout: .endpointTimeout, broken: .badExposition)
}

extension Miss {
  /// The error's description says what was tried, on which URL.
  init(_ error: HTTPTransportError, reasons: FailureReasons) {
    let reason: Reason =
      switch error {
      case .resolve, .connect, .tls, .refusedAddress, .timeout(.connect, _): reasons.unreachable
      // The wait was in our own queue: the peer was never asked.
      case .timeout(.queue, _): .unknown
      case .timeout: reasons.timeout
      case .tooLarge: .tooLarge
      case .cut, .malformed: reasons.broken
      case .badRequest, .cancelled, .shutDown, .setUp: .unknown
      }
    self.init(reason, error.description)
  }
}
