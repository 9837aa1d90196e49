/// What nodes and pods say about where their pages are, above the settings.
package struct VirtualEndpoints: Sendable {
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
  package static let asConfigured = VirtualEndpoints(ofNode: { _, endpoint in endpoint }, ofPod: { _, _, endpoint in endpoint })
}
