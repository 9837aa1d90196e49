package import JSON
package import Roll

/// The objects that should exist for one source, so that Prometheus finds its targets.
package struct DesiredTargets: Hashable, Sendable {
  package var source: Source
  /// A headless Service without a selector: what the EndpointSlices belong to.
  package var service: JSONValue
  /// A Prometheus Operator's selection of that Service; `nil` where none is wanted.
  package var serviceMonitor: JSONValue?
  package var slices: [JSONValue]
  /// Targets which could not be published.
  package var refused: [RefusedTarget]
  /// How many are published.
  package var published: Int

  /// - Parameters:
  ///   - targets: those of every source; the others are passed over.
  ///   - liveSlices: the EndpointSlices of this source as they are, so that endpoints stay in the slice where they are.
  package init(source: Source, targets: [Target], liveSlices: [JSONValue], settings: TargetSettings) {
    let (admitted, refused) = admit(targets.filter { $0.source == source }, allowsLoopback: settings.allowsLoopback)
    let groups = Dictionary(grouping: admitted) { SlicePacking.Group(family: $0.address.family, endpoint: $0.endpoint) }
    let live = liveSlices.compactMap(LiveSlice.init)
    let names = Set(liveSlices.compactMap { $0["metadata"]?["name"]?.string })

    var slices: [JSONValue] = []
    for (group, members) in groups.sorted(by: { $0.key < $1.key }) {
      let byIdentity = Dictionary(members.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
      let existing = live.filter { $0.group == group }.map(\.slice).sorted { $0.name < $1.name }
      let packed = SlicePacking.pack(byIdentity.keys.sorted(), into: existing) { number in
        let name = ObjectNames.slice(source, group, number: number)
        return names.contains(name) ? nil : name
      }
      slices += packed.map { slice in
        endpointSlice(
          named: slice.name, source: source, group: group, members: slice.members.compactMap { byIdentity[$0] }, settings: settings)
      }
    }

    let defaultEndpoint = settings.endpoints[source].map { [$0] } ?? []
    let endpoints = Set(groups.keys.map(\.endpoint)).union(defaultEndpoint).sorted()
    self.source = source
    self.service = Controller.service(source: source, settings: settings)
    // Written out, because `nil` in an expression of type JSONValue is JSON's null.
    if settings.serviceMonitors != .off {
      self.serviceMonitor = Controller.serviceMonitor(source: source, endpoints: endpoints, settings: settings)
    }
    self.slices = slices
    self.refused = refused
    self.published = admitted.count
  }

  /// All of them, in the order in which they are to be written: nobody points at what is not there yet.
  package var objects: [JSONValue] { [service] + slices + (serviceMonitor.map { [$0] } ?? []) }
}

/// An EndpointSlice as it is, as far as packing goes.
private struct LiveSlice {
  var group: SlicePacking.Group
  var slice: SlicePacking.Slice

  /// `nil` for a slice that is not as we make them: it is replaced by one that is.
  init?(_ object: JSONValue) {
    guard let name = object["metadata"]?["name"]?.string,
      let family = object["addressType"]?.string.flatMap({ IPAddress.Family(rawValue: $0.lowercased()) }),
      let annotation = object["metadata"]?["annotations"]?[ScrapeEndpoint.annotation]?.string,
      let endpoint = ScrapeEndpoint(annotation: annotation)
    else { return nil }
    let members = (object["endpoints"]?.array ?? []).map(EndpointIdentity.init(endpoint:))
    // An endpoint that is not ours counts as a member that nobody wants: its slice is written without it.
    group = SlicePacking.Group(family: family, endpoint: endpoint)
    slice = SlicePacking.Slice(name: name, members: members.map { $0 ?? .node("") })
  }
}
