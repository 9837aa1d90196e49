internal import Collector
internal import HTTPTransport
internal import KubeClient
internal import Roll

extension SummarySource {
  /// Summaries as the settings say: through the API server, or from the kubelets.
  init(settings: ControllerSettings, client: KubeClient, transport: HTTPTransport, kubeletPort: @escaping @Sendable (String) -> Int?) {
    switch settings.kubeletAccess {
    case .proxy:
      self.init(deadline: settings.deadline) { node, _, deadline throws(Miss) in
        do throws(KubeError) {
          let limits = RequestLimits(deadline: deadline, maximumBodyBytes: RequestLimits.object.maximumBodyBytes)
          let response = try await client.send(.nodeProxy(node, path: "stats/summary"), limits: limits)
          return SummaryAnswer(body: response.body, date: response.date)
        } catch {
          throw Miss(error, summaryOf: node)
        }
      }
    case .direct:
      var access = KubeletAccess.Settings()
      access.connectTimeout = min(settings.deadline, .seconds(3))
      access.tls = TLSOptions(
        certificateAuthorities: settings.kubeletCAFile.map { .file($0) },
        verification: settings.kubeletSkipsVerification ? .none : .full)
      access.tokenFile = settings.kubeletTokenFile
      access.allowsLoopback = settings.allowsLoopbackTargets
      let kubelets = KubeletAccess(transport: transport, settings: access, port: kubeletPort)
      self.init(deadline: settings.deadline) { node, address, deadline throws(Miss) in
        try await kubelets.summary(of: node, address: address, deadline: deadline)
      }
    }
  }
}

extension Miss {
  fileprivate init(_ error: KubeError, summaryOf node: String) {
    let place = "/stats/summary of \(node) through the API server"
    switch error {
    case .status(let status) where status.code == 403:
      self.init(.permissionDenied, "\(place): \(status); the controller's ClusterRole needs get on nodes/proxy")
    case .status(let status) where status.code == 504: self.init(.endpointTimeout, "\(place): \(status)")
    case .status(let status): self.init(.endpointUnreachable, "\(place): \(status)")
    case .transport(let failure) where failure.kind == .timeout: self.init(.endpointTimeout, "\(place): \(failure)")
    case .transport(let failure) where failure.kind == .tooLarge: self.init(.tooLarge, "\(place): \(failure)")
    default: self.init(.unknown, "\(place): \(error)")
    }
  }
}
