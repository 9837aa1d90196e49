import JSON

/// Strategic merge patch: a merge patch with directives that merges some lists by key.
/// Source: k8s.io/apimachinery/pkg/util/strategicpatch.
enum StrategicMergePatch {
  /// - Throws: `APIFailure` 400 for an element without its merge key.
  static func patched(_ target: JSONValue, _ patch: JSONValue, schema: FieldSchema) throws(APIFailure) -> JSONValue {
    guard case .object(var changes) = patch else { return patch }
    switch changes.remove("$patch")?.string {
    case "replace": return .object(changes)
    case "delete": return [:]
    default: break
    }
    var members = target.object ?? [:]
    if let retained = changes.remove("$retainKeys")?.array {
      let names = Set(retained.compactMap(\.string))
      members = members.filter { names.contains($0.key) }
    }
    for (name, change) in changes where !name.hasPrefix("$") {
      if change == .null {
        members[name] = nil
      } else if case .array(let list) = change {
        members[name] = .array(try patchedList(members[name]?.array ?? [], list, schema: schema.member(name)))
      } else {
        members[name] = try patched(members[name] ?? [:], change, schema: schema.member(name))
      }
    }
    for (name, directive) in changes {
      if let list = name.dropping(prefix: "$deleteFromPrimitiveList/") {
        let gone = Set(directive.array ?? [])
        members[list] = members[list]?.array.map { .array($0.filter { !gone.contains($0) }) }
      } else if let list = name.dropping(prefix: "$setElementOrder/"), let elements = members[list]?.array {
        members[list] = .array(ordered(elements, as: directive.array ?? [], schema: schema.member(list)))
      }
    }
    return .object(members)
  }

  private static func patchedList(_ target: [JSONValue], _ patch: [JSONValue], schema: FieldSchema) throws(APIFailure) -> [JSONValue] {
    switch schema {
    case .set:
      return target + patch.filter { !target.contains($0) }
    case .map(_, let key, let element):
      if patch.contains(where: { $0["$patch"]?.string == "replace" }) {
        return patch.filter { $0["$patch"]?.string != "replace" }
      }
      var list = target
      for change in patch {
        guard let name = change[key] else { throw .badRequest("map: \(change) does not contain declared merge key: \(key)") }
        let index = list.firstIndex { $0[key] == name }
        if change["$patch"]?.string == "delete" {
          if let index { list.remove(at: index) }
        } else if let index {
          list[index] = try patched(list[index], change, schema: element)
        } else {
          list.append(try patched([:], change, schema: element))
        }
      }
      return list
    case .object, .atomic:
      return patch.filter { $0["$patch"] == nil }
    }
  }

  /// The elements in the order of the directive; an element that it does not name stays after its predecessor.
  private static func ordered(_ elements: [JSONValue], as order: [JSONValue], schema: FieldSchema) -> [JSONValue] {
    func identity(_ value: JSONValue) -> JSONValue {
      if case .map(_, let key, _) = schema { return value[key] ?? .null }
      return value
    }
    let positions = Dictionary(order.enumerated().map { (identity($1), $0) }, uniquingKeysWith: { first, _ in first })
    var rank = -1
    let ranked = elements.enumerated().map { index, element in
      rank = positions[identity(element)] ?? rank
      return (rank: rank, index: index, element: element)
    }
    return ranked.sorted { ($0.rank, $0.index) < ($1.rank, $1.index) }.map(\.element)
  }
}

extension String {
  fileprivate func dropping(prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
