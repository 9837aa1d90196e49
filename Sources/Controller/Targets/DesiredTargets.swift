package import JSON
package import Roll

/// The objects that should exist for one source, so that Prometheus finds its targets.
///
/// The slices are values; a slice becomes JSON only when it is to be written, or when what there is has to be compared with it.
package struct DesiredTargets: Hashable, Sendable {
  package var source: Source
  /// A headless Service without a selector: what the EndpointSlices belong to.
  package var service: JSONValue
  /// A Prometheus Operator's selection of that Service; `nil` where none is wanted.
  package var serviceMonitor: JSONValue?
  var sliceContents: [SliceContent]
  /// Targets which could not be published.
  package var refused: [RefusedTarget]
  /// How many are published.
  package var published: Int
  private var settings: TargetSettings

  /// - Parameters:
  ///   - targets: those of every source; the others are passed over.
  ///   - liveSlices: the EndpointSlices of this source as they are, so that endpoints stay in the slice where they are.
  package init(source: Source, targets: [Target], liveSlices: [JSONValue], settings: TargetSettings) {
    self.init(source: source, targets: targets, live: liveSlices.compactMap(LiveSlice.init), settings: settings)
  }

  init(source: Source, targets: [Target], live: [LiveSlice], settings: TargetSettings) {
    let (admitted, refused) = admit(targets.filter { $0.source == source }, allowsLoopback: settings.allowsLoopback)
    let names = Set(live.map(\.name))
    let groups = Self.groups(of: admitted)
    var slices: [SliceContent] = []
    for (group, members) in groups {
      let existing = live.filter { $0.group == group }.sorted { $0.name < $1.name }
      let packed = SlicePacking.pack(members.map(\.identity), into: existing) { number in
        let name = ObjectNames.slice(source, group, number: number)
        return names.contains(name) ? nil : name
      }
      slices += packed.map { SliceContent(name: $0.name, group: group, members: $0.members.map { members[$0] }) }
    }

    let defaultEndpoint = settings.endpoints[source].map { [$0] } ?? []
    let endpoints = Set(groups.map(\.group.endpoint)).union(defaultEndpoint).sorted()
    self.source = source
    self.settings = settings
    self.service = Controller.service(source: source, settings: settings)
    // Written out, because `nil` in an expression of type JSONValue is JSON's null.
    if settings.serviceMonitors != .off, !endpoints.isEmpty {
      self.serviceMonitor = Controller.serviceMonitor(source: source, endpoints: endpoints, settings: settings)
    }
    self.sliceContents = slices
    self.refused = refused
    self.published = admitted.count
  }

  /// In the order of the groups, and within each in that of the targets. There are few groups, mostly one.
  private static func groups(of targets: [AdmittedTarget]) -> [(group: SlicePacking.Group, members: [AdmittedTarget])] {
    var groups: [(group: SlicePacking.Group, members: [AdmittedTarget])] = []
    for target in targets {
      if let index = groups.firstIndex(where: { $0.group.family == target.address.family && $0.group.endpoint == target.endpoint }) {
        groups[index].members.append(target)
      } else {
        groups.append((SlicePacking.Group(family: target.address.family, endpoint: target.endpoint), [target]))
      }
    }
    return groups.sorted { $0.group < $1.group }
  }

  /// All of them, in the order in which they are to be written: nobody points at what is not there yet.
  var desiredObjects: [DesiredObject] {
    [.json(service)] + sliceContents.map { .slice($0) } + (serviceMonitor.map { [.json($0)] } ?? [])
  }

  func json(of object: DesiredObject) -> JSONValue {
    switch object {
    case .json(let json): json
    case .slice(let content): endpointSlice(content, source: source, settings: settings)
    }
  }

  package var slices: [JSONValue] { sliceContents.map { json(of: .slice($0)) } }
  package var objects: [JSONValue] { desiredObjects.map(json) }
}

/// One object that should exist.
enum DesiredObject: Hashable, Sendable {
  case json(JSONValue)
  case slice(SliceContent)

  var name: ObjectName {
    switch self {
    case .json(let json): ObjectName(json)
    case .slice(let content): ObjectName(kind: ObjectName.sliceKind, name: content.name)
    }
  }
}

/// What an EndpointSlice of ours says, beyond what all of a source have in common.
struct SliceContent: Hashable, Sendable {
  var name: String
  var group: SlicePacking.Group
  var members: [AdmittedTarget]
}
