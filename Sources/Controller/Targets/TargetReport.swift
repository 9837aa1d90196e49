/// How the objects of a source stand, for metrics and pages.
package struct TargetReport: Hashable, Sendable {
  /// Targets that are published.
  package var published = 0
  /// Targets that could not be.
  package var refused: [RefusedTarget] = []
  /// Objects that are not as they should be, and why: by kind and name, such as `EndpointSlice rollcall-linux-ipv4-http-9753-metrics-0`.
  package var failing: [String: String] = [:]
  /// The API server has no ServiceMonitors, and we need not have them.
  package var lacksServiceMonitors = false
  /// Writes so far: objects applied and objects deleted.
  package var applied = 0
  package var deleted = 0
}
