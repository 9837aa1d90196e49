import JSON

/// Distributes endpoints over EndpointSlices, like the cluster's EndpointSlice controller: an endpoint stays in its slice, one that is gone
/// leaves a hole, and new ones fill holes. So the change of one endpoint writes one slice. The emptiest slice is dissolved only when the
/// slices are half empty.
struct SlicePacking {
  /// Endpoints in a slice: the default of the cluster's own controller (`--max-endpoints-per-slice`); the API allows 1000. Each change is
  /// written, stored and sent to every watcher as a whole slice, about 20 KB at this size. Smaller slices would cost more objects to list
  /// than that saves.
  static let capacity = 100

  /// What the endpoints of a slice share.
  struct Group: Hashable, Comparable, Sendable {
    var family: IPAddress.Family
    var endpoint: ScrapeEndpoint

    static func < (left: Group, right: Group) -> Bool {
      (left.endpoint, left.family.rawValue) < (right.endpoint, right.family.rawValue)
    }
  }

  /// A slice whose members are indices of the wanted endpoints.
  struct Packed: Equatable {
    var name: String
    var members: [Int]
  }

  /// Distributes `wanted` over slices. The result has indices, because comparing and hashing the names of 5,000 endpoints would be most
  /// of the work.
  /// - Parameters:
  ///   - wanted: in the order of their identity, each once.
  ///   - existing: the present slices of this group.
  ///   - name: makes the name of the slice with a number; `nil` if another object has it.
  /// - Returns: the desired slices, in the order of `existing`, then new ones. Other existing slices are no longer needed.
  static func pack(_ wanted: [EndpointIdentity], into existing: [LiveSlice], name: (Int) -> String?) -> [Packed] {
    var indices: [EndpointIdentity: Int] = [:]
    indices.reserveCapacity(wanted.count)
    for (index, identity) in wanted.enumerated() { indices[identity] = index }

    var slices: [Packed] = []
    var changed: Set<String> = []
    var isPacked = Array(repeating: false, count: wanted.count)
    for slice in existing {
      var kept: [Int] = []
      kept.reserveCapacity(slice.members.count)
      for member in slice.members {
        guard kept.count < capacity, let index = indices[member], !isPacked[index] else { continue }
        isPacked[index] = true
        kept.append(index)
      }
      if kept.count != slice.members.count { changed.insert(slice.name) }
      if !kept.isEmpty { slices.append(Packed(name: slice.name, members: kept)) }
    }
    var unpacked = wanted.indices.filter { !isPacked[$0] }

    // Dissolve the emptiest slice while there are more than twice as many as needed.
    let needed = (wanted.count + capacity - 1) / capacity
    while slices.count > max(2 * needed, 1), let emptiest = slices.indices.min(by: { slices[$0].members.count < slices[$1].members.count })
    {
      unpacked += slices.remove(at: emptiest).members
    }

    // Slices that are written anyway come first, then the emptiest, so that as few as possible are written.
    let order = slices.indices.sorted { left, right in
      (changed.contains(slices[left].name) ? 0 : 1, slices[left].members.count, left)
        < (changed.contains(slices[right].name) ? 0 : 1, slices[right].members.count, right)
    }
    var rest = unpacked[...]
    for index in order where !rest.isEmpty {
      let free = capacity - slices[index].members.count
      slices[index].members += rest.prefix(free)
      rest = rest.dropFirst(free)
    }

    var taken = Set(existing.map(\.name))
    var number = 0
    while !rest.isEmpty {
      while true {
        if let name = name(number), taken.insert(name).inserted {
          slices.append(Packed(name: name, members: Array(rest.prefix(capacity))))
          break
        }
        number += 1
      }
      rest = rest.dropFirst(capacity)
    }
    return slices
  }
}

/// What packing needs of an EndpointSlice that exists.
struct LiveSlice: Equatable, Sendable {
  var name: String
  /// `nil` for a slice in another form than ours. It is replaced, and its name is taken until then.
  var group: SlicePacking.Group?
  var members: [EndpointIdentity]

}

extension LiveSlice {
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
    // An endpoint of somebody else's is a member that nobody wants: its slice is written without it.
    members = (object["endpoints"]?.array ?? []).map { EndpointIdentity(endpoint: $0) ?? EndpointIdentity(node: "") }
  }

  init(_ content: SliceContent) {
    name = content.name
    group = content.group
    members = content.members.map(\.identity)
  }
}
