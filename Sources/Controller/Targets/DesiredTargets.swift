package import JSON
internal import Primitives
package import Roll

/// The desired objects through which Prometheus discovers the targets of one source.
///
/// Slices are values. They are converted to JSON only to be written or compared with a live object.
package struct DesiredTargets: Hashable, Sendable {
  package var source: Source
  /// Headless Services without a selector, to which the EndpointSlices belong: one for IPv4, and one for IPv6 if there are IPv6 targets.
  package var services: [JSONValue]
  /// The ServiceMonitor that selects the Service; `nil` if ServiceMonitors are off.
  package var serviceMonitor: JSONValue?
  var sliceContents: [SliceContent]
  /// Targets that cannot be published.
  package var refused: [RefusedTarget]
  /// The number of published targets.
  package var published: Int
  private var settings: TargetSettings

  /// - Parameters:
  ///   - targets: targets of any source; other sources are ignored.
  ///   - liveSlices: the live EndpointSlices of this source. Endpoints stay in their slice.
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
    let families = IPAddress.Family.allCases.filter { family in
      family == .ipv4 || groups.contains { $0.group.family == family }
    }
    self.services = families.map { service(source: source, family: $0, settings: settings) }
    // An `if`, because `nil` in an expression of type JSONValue is JSON's null.
    if settings.serviceMonitors != .off, !endpoints.isEmpty {
      self.serviceMonitor = Controller.serviceMonitor(source: source, endpoints: endpoints, settings: settings)
    }
    self.sliceContents = slices
    self.refused = refused
    self.published = admitted.count
  }

  /// The targets by group, with groups sorted and targets in their order. There are few groups, usually one.
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

  /// All objects in the order of their writes: an object comes after those that it refers to.
  var desiredObjects: [DesiredObject] {
    services.map { .json($0) } + sliceContents.map { .slice($0) } + (serviceMonitor.map { [.json($0)] } ?? [])
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

/// A desired object.
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

/// The part of an EndpointSlice that differs between the slices of a source.
struct SliceContent: Hashable, Sendable {
  var name: String
  var group: SlicePacking.Group
  var members: [AdmittedTarget]
}
