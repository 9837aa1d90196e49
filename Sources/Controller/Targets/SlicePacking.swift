/// Which endpoints go together into which EndpointSlice.
///
/// Slices are filled as the cluster's own controller does it: what is in a slice stays in it, what is gone leaves a hole, what is new
/// fills holes. So a change of one endpoint is a write of one slice, however many there are. Only when half of the places are holes is
/// the emptiest slice dissolved.
struct SlicePacking {
  /// Endpoints a slice: 100 is what the cluster's own controller takes by default (`--max-endpoints-per-slice`), out of 1000 that
  /// the API allows. Each change is written, stored and sent to every watcher as a whole slice, about 20 KB at this size; smaller
  /// slices would be more objects to list than that saves.
  static let capacity = 100

  /// What all endpoints of a slice have in common.
  struct Group: Hashable, Comparable, Sendable {
    var family: IPAddress.Family
    var endpoint: ScrapeEndpoint

    static func < (left: Group, right: Group) -> Bool {
      (left.endpoint, left.family.rawValue) < (right.endpoint, right.family.rawValue)
    }
  }

  struct Slice: Equatable {
    var name: String
    var members: [EndpointIdentity]
  }

  /// Distributes `wanted` over slices.
  /// - Parameters:
  ///   - wanted: in the order of their identity, each once.
  ///   - existing: the slices of this group as they are.
  ///   - name: makes the name of the slice with a number, or `nil` if the number is taken by something else.
  /// - Returns: the slices as they should be, in the order of `existing` and then new ones. Existing slices that are not among them
  ///   are no longer needed.
  static func pack(_ wanted: [EndpointIdentity], into existing: [Slice], name: (Int) -> String?) -> [Slice] {
    places(of: wanted, in: existing, name: name).map { Slice(name: $0.name, members: $0.members.map { wanted[$0] }) }
  }

  /// A slice whose members are places in `wanted`.
  struct Places {
    var name: String
    var members: [Int]
  }

  /// The same in numbers: with 5,000 endpoints most of the work would be the comparing and hashing of their names.
  static func places(of wanted: [EndpointIdentity], in existing: [Slice], name: (Int) -> String?) -> [Places] {
    var places: [EndpointIdentity: Int] = [:]
    places.reserveCapacity(wanted.count)
    for (place, identity) in wanted.enumerated() { places[identity] = place }

    var slices: [Places] = []
    var changed: Set<String> = []
    var isPlaced = Array(repeating: false, count: wanted.count)
    for slice in existing {
      var kept: [Int] = []
      kept.reserveCapacity(slice.members.count)
      for member in slice.members {
        guard kept.count < capacity, let place = places[member], !isPlaced[place] else { continue }
        isPlaced[place] = true
        kept.append(place)
      }
      if kept.count != slice.members.count { changed.insert(slice.name) }
      if !kept.isEmpty { slices.append(Places(name: slice.name, members: kept)) }
    }
    var homeless = wanted.indices.filter { !isPlaced[$0] }

    // Dissolve the emptiest while the others have twice the room that is needed.
    let needed = (wanted.count + capacity - 1) / capacity
    while slices.count > max(2 * needed, 1), let emptiest = slices.indices.min(by: { slices[$0].members.count < slices[$1].members.count })
    {
      homeless += slices.remove(at: emptiest).members
    }

    // Slices that are written anyhow come first, then those with the most room: as few writes as there can be.
    let order = slices.indices.sorted { left, right in
      (changed.contains(slices[left].name) ? 0 : 1, slices[left].members.count, left)
        < (changed.contains(slices[right].name) ? 0 : 1, slices[right].members.count, right)
    }
    var rest = homeless[...]
    for index in order where !rest.isEmpty {
      let room = capacity - slices[index].members.count
      slices[index].members += rest.prefix(room)
      rest = rest.dropFirst(room)
    }

    var taken = Set(existing.map(\.name))
    var number = 0
    while !rest.isEmpty {
      while true {
        if let name = name(number), taken.insert(name).inserted {
          slices.append(Places(name: name, members: Array(rest.prefix(capacity))))
          break
        }
        number += 1
      }
      rest = rest.dropFirst(capacity)
    }
    return slices
  }
}
