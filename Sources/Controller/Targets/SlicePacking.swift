import JSON
internal import Primitives

/// Distributes endpoints over EndpointSlices, like the EndpointSlice controller of Kubernetes. An endpoint stays in its slice, a removed
/// one leaves a hole, and new ones fill holes, so a change to one endpoint writes one slice. The emptiest slice is dissolved only if
/// there are more than twice as many slices as needed.
struct SlicePacking {
  /// Endpoints per slice: the default of kube-controller-manager (`--max-endpoints-per-slice`). The API allows 1000. Each change writes,
  /// stores and sends a whole slice to every watcher, about 20 KB at this size; the cost of listing more, smaller slices would outweigh the
  /// savings.
  static let capacity = 100

  /// What the endpoints of a slice share.
  struct Group: Hashable, Comparable, Sendable {
    var family: IPAddress.Family
    var endpoint: ScrapeEndpoint

    static func < (left: Group, right: Group) -> Bool {
      (left.endpoint, left.family.rawValue) < (right.endpoint, right.family.rawValue)
    }
  }

  /// A slice. Its members are indices of the wanted endpoints.
  struct Packed: Equatable {
    var name: String
    var members: [Int]
  }

  /// Distributes `wanted` over slices. The result has indices, because comparing and hashing the names of 5,000 endpoints would take most
  /// of the time.
  /// - Parameters:
  ///   - wanted: sorted, without duplicates.
  ///   - existing: the live slices of this group.
  ///   - name: returns the name of the slice with a number; `nil` if another object has that name.
  /// - Returns: the desired slices: existing ones in their order, then new ones. Existing slices that are not included must be deleted.
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

    // Fill slices that must be written anyway first, then the emptiest, to write as few as possible.
    let order = slices.indices.sorted { left, right in
      (changed.contains(slices[left].name) ? 0 : 1, slices[left].members.count, left)
        < (changed.contains(slices[right].name) ? 0 : 1, slices[right].members.count, right)
    }
    var remaining = unpacked[...]
    for index in order where !remaining.isEmpty {
      let free = capacity - slices[index].members.count
      slices[index].members += remaining.prefix(free)
      remaining = remaining.dropFirst(free)
    }

    var taken = Set(existing.map(\.name))
    var number = 0
    while !remaining.isEmpty {
      while true {
        if let name = name(number), taken.insert(name).inserted {
          slices.append(Packed(name: name, members: Array(remaining.prefix(capacity))))
          break
        }
        number += 1
      }
      remaining = remaining.dropFirst(capacity)
    }
    return slices
  }
}

/// A live EndpointSlice, as far as packing needs it.
struct LiveSlice: Equatable, Sendable {
  var name: String
  /// `nil` if Rollcall did not write the slice in this form. The slice is replaced, and its name stays in use until then.
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
    // A foreign endpoint becomes a member that is never wanted, so that the slice is written without it.
    members = (object["endpoints"]?.array ?? []).map { EndpointIdentity(endpoint: $0) ?? EndpointIdentity(node: "") }
  }

  init(_ content: SliceContent) {
    name = content.name
    group = content.group
    members = content.members.map(\.identity)
  }
}
