internal import KubeClient
internal import Primitives

/// What the roles of service discovery see of a Service.
struct ServiceTargets {
  let service: ServiceRecord
  let slices: [EndpointSliceRecord]

  /// The slices that a role reads, for the endpoints of a Pod.
  /// - Parameter selector: of a monitor whose selector is applied by the API server, and therefore also to the slices' own labels.
  func slices(for role: DiscoveryRole, of pod: PodIdentity, selector: ObjectSelector?) -> [EndpointSliceRecord] {
    slices.filter { missing(in: $0, for: role, of: pod, selector: selector) == nil }
  }

  /// Why a role does not see the Pod as an endpoint. The reason that is easiest to mend comes last.
  func cause(for role: DiscoveryRole, of pod: PodIdentity, selector: ObjectSelector?) -> MissingEndpoint.Cause {
    if service.isExternalName { return .externalName }
    let causes = slices.compactMap { slice in
      slice.endpoints(of: pod).isEmpty ? nil : missing(in: slice, for: role, of: pod, selector: selector)
    }
    return causes.first { $0 != .otherFamily } ?? causes.first ?? .notInSlices
  }

  /// `nil` if the role sees the slice's endpoints of the Pod, if there are any.
  private func missing(
    in slice: EndpointSliceRecord, for role: DiscoveryRole, of pod: PodIdentity, selector: ObjectSelector?
  ) -> MissingEndpoint.Cause? {
    if service.isExternalName { return .externalName }
    if slice.addressType != (service.isIPv6First ? .ipv6 : .ipv4) { return .otherFamily }
    if role == .endpoints {
      if slice.manager == .other { return .sliceOnly }
      // The Endpoints of a Service with a selector lose a Pod with its deletion; the slices keep it until it is gone.
      if slice.manager == .controller, !service.publishesNotReadyAddresses, slice.endpoints(of: pod).contains(where: \.isTerminating) {
        return .terminating
      }
    }
    if let selector, slice.manager != .controller, !selector.matches(slice.packedLabels, as: .labels) { return .sliceLabels }
    return nil
  }
}
