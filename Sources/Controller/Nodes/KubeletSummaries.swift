package import Collector
internal import HTTPTransport
internal import KubeClient
internal import Roll

/// Access to kubelets' `/stats/summary`.
package struct SummarySettings: Hashable, Sendable {
  package enum Access: String, CaseIterable, Sendable {
    /// Through the API server's node proxy.
    case proxy
    case direct
  }

  package var access: Access
  package var deadline: Duration
  /// Used with direct access only.
  package var kubelet: KubeletClient.Settings

  package init(access: Access, deadline: Duration, kubelet: KubeletClient.Settings) {
    self.access = access
    self.deadline = deadline
    self.kubelet = kubelet
  }
}

extension SummarySource {
  /// - Parameter kubeletPort: returns the kubelet port in a Node's status.
  init(settings: SummarySettings, client: KubeClient, transport: HTTPTransport, kubeletPort: @escaping @Sendable (String) -> Int?) {
    switch settings.access {
    case .proxy:
      self.init(deadline: settings.deadline) { node, _, deadline throws(Miss) in
        do throws(KubeError) {
          let limits = RequestLimits(deadline: deadline, maximumBodyBytes: RequestLimits.object.maximumBodyBytes)
          let response = try await client.send(.nodeProxy(node, path: "stats/summary"), limits: limits)
          return SummaryResponse(body: response.body, date: response.date)
        } catch {
          throw Miss(error, summaryOf: node)
        }
      }
    case .direct:
      let kubelets = KubeletClient(transport: transport, settings: settings.kubelet, port: kubeletPort)
      self.init(deadline: settings.deadline) { node, address, deadline throws(Miss) in
        try await kubelets.summary(of: node, address: address, deadline: deadline)
      }
    }
  }
}

extension Miss {
  fileprivate init(_ error: KubeError, summaryOf node: String) {
    let request = "/stats/summary of \(node) through the API server"
    switch error {
    case .status(let status) where status.code == 403:
      self.init(.permissionDenied, "\(request): \(status); the controller's ClusterRole needs get on nodes/proxy")
    case .status(let status) where status.code == 504: self.init(.endpointTimeout, "\(request): \(status)")
    case .status(let status): self.init(.endpointUnreachable, "\(request): \(status)")
    case .transport(let failure) where failure.kind == .timeout: self.init(.endpointTimeout, "\(request): \(failure)")
    case .transport(let failure) where failure.kind == .tooLarge: self.init(.tooLarge, "\(request): \(failure)")
    default: self.init(.unknown, "\(request): \(error)")
    }
  }
}
