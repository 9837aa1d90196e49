import JSON

/// An EndpointSlice as it is, as far as packing goes.
struct LiveSlice: Sendable {
  var name: String
  /// `nil` for a slice that is not as we make them: it is replaced by one that is, and its name is taken until then.
  var group: SlicePacking.Group?
  var members: [EndpointIdentity]

  var slice: SlicePacking.Slice { SlicePacking.Slice(name: name, members: members) }

  /// `nil` for an object without a name.
  init?(_ object: JSONValue) {
    guard let name = object["metadata"]?["name"]?.string else { return nil }
    self.name = name
    if let family = object["addressType"]?.string.flatMap({ IPAddress.Family(rawValue: $0.lowercased()) }),
      let annotation = object["metadata"]?["annotations"]?[ScrapeEndpoint.annotation]?.string,
      let endpoint = ScrapeEndpoint(annotation: annotation)
    {
      group = SlicePacking.Group(family: family, endpoint: endpoint)
    }
    // An endpoint that is not ours counts as a member that nobody wants: its slice is written without it.
    members = (object["endpoints"]?.array ?? []).map { EndpointIdentity(endpoint: $0) ?? EndpointIdentity(node: "") }
  }

  init(_ content: SliceContent) {
    name = content.name
    group = content.group
    members = content.members.map(\.identity)
  }
}
