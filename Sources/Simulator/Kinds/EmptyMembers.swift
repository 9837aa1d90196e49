import JSON

/// What a server of typed objects does not keep: maps and lists without an element, which Go's `omitempty` leaves out of an object. Structs
/// without a member stay, such as `emptyDir: {}`.
///
/// Who applies `labels: {}` owns `labels` all the same, and sets it anew with each application, in conflict with everyone else who does.
enum EmptyMembers {
  /// Members that are maps by their Go types; all others that are objects are structs.
  private static let maps: Set<String> = [
    "labels", "annotations", "matchLabels", "nodeSelector", "data", "binaryData", "stringData", "limits", "requests", "capacity",
    "allocatable", "overhead", "volumeAttributes",
  ]

  static func removed(from object: JSONValue, kind: ResourceKind) -> JSONValue {
    var object = object
    let metadata = object["metadata"].map { pruned($0, maps: maps) }
    if !kind.isCustom, case .object(let members) = object {
      // These two lists are the exception: they have no `omitempty`.
      let kept = kind.id == ResourceTable.endpointSlices.id ? ["endpoints", "ports"] : []
      // A Service's selector is a map, those of workloads are structs.
      let maps = kind.id == ResourceTable.services.id ? maps.union(["selector"]) : maps
      object = .object(pruned(members, maps: maps, kept: kept))
    }
    object["metadata"] = metadata
    return object
  }

  private static func pruned(_ value: JSONValue, maps: Set<String>) -> JSONValue {
    switch value {
    case .object(let members): .object(pruned(members, maps: maps, kept: []))
    case .array(let elements): .array(elements.map { pruned($0, maps: maps) })
    default: value
    }
  }

  private static func pruned(_ members: [String: JSONValue], maps: Set<String>, kept: [String]) -> [String: JSONValue] {
    var left: [String: JSONValue] = [:]
    for (name, value) in members {
      if value == [] && !kept.contains(name) || value == [:] && maps.contains(name) { continue }
      // Not objects of the API: what managers own, and what users wrote under names of their own.
      left[name] = name == "managedFields" || maps.contains(name) ? value : pruned(value, maps: maps)
    }
    return left
  }
}
