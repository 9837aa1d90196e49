import FoundationEssentials
import JSON

/// The owners of the fields of an object: `metadata.managedFields`.
struct ManagedFields: Sendable, Equatable {
  /// A field manager. Updates and applies under the same name are different managers.
  struct Manager: Hashable, Sendable {
    enum Operation: String, Sendable { case apply = "Apply", update = "Update" }

    var name: String
    var operation: Operation
    var apiVersion: String
    var subresource: String
  }

  struct Entry: Sendable, Equatable {
    var fields: FieldSet
    var time: String
  }

  var entries: [Manager: Entry] = [:]

  init(of object: JSONValue) {
    for entry in object["metadata"]?["managedFields"]?.array ?? [] {
      guard let name = entry["manager"]?.string, let operation = entry["operation"]?.string.flatMap(Manager.Operation.init),
        let fields = entry["fieldsV1"]
      else { continue }
      let manager = Manager(
        name: name, operation: operation, apiVersion: entry["apiVersion"]?.string ?? "", subresource: entry["subresource"]?.string ?? "")
      entries[manager] = Entry(fields: FieldSet(json: fields), time: entry["time"]?.string ?? "")
    }
  }

  /// The entries in the order of the real server: applies first, then by time and name. `nil` if there are none.
  var json: JSONValue? {
    if entries.isEmpty { return nil }
    let ordered = entries.sorted {
      ($0.key.operation.rawValue, $0.value.time, $0.key.name, $0.key.subresource)
        < ($1.key.operation.rawValue, $1.value.time, $1.key.name, $1.key.subresource)
    }
    return .array(
      ordered.map { manager, entry in
        var json: JSONValue = [
          "manager": .string(manager.name), "operation": .string(manager.operation.rawValue),
          "apiVersion": .string(manager.apiVersion), "time": .string(entry.time), "fieldsType": "FieldsV1", "fieldsV1": entry.fields.json,
        ]
        if !manager.subresource.isEmpty { json["subresource"] = .string(manager.subresource) }
        return json
      })
  }

  /// The fields owned by other managers.
  func fields(besides manager: Manager) -> FieldSet {
    var set = FieldSet()
    for (other, entry) in entries where other != manager { set.formUnion(entry.fields) }
    return set
  }

  /// The part of the set that each other manager owns.
  func owned(_ set: FieldSet, besides manager: Manager) -> [(manager: Manager, fields: FieldSet)] {
    entries.compactMap { other, entry in
      let shared = entry.fields.intersection(set)
      return other == manager || shared.isEmpty ? nil : (other, shared)
    }.sorted { ($0.manager.name, $0.manager.operation.rawValue) < ($1.manager.name, $1.manager.operation.rawValue) }
  }

  /// Sets the fields of a manager; its time changes only if they do.
  mutating func set(_ fields: FieldSet, for manager: Manager, now: String) {
    if fields.isEmpty {
      entries[manager] = nil
    } else if entries[manager]?.fields != fields {
      entries[manager] = Entry(fields: fields, time: now)
    }
  }

  /// Removes the fields from all other managers.
  mutating func release(_ fields: FieldSet, besides manager: Manager) {
    for (other, entry) in entries where other != manager {
      let left = entry.fields.subtracting(fields)
      entries[other] = left.isEmpty ? nil : Entry(fields: left, time: entry.time)
    }
  }

  /// The metadata that the server sets itself and no manager owns.
  static let unmanaged: [[String]] =
    [["apiVersion"], ["kind"]]
    + [
      "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
      "managedFields", "selfLink", "generateName",
    ].map { ["metadata", $0] }
}

extension FieldSet {
  /// The set without fields that cannot be owned.
  var manageable: FieldSet {
    var set = self
    for path in ManagedFields.unmanaged { set.remove(path) }
    set.isMember = false
    // These three always exist, so no manager adds them.
    for name in ["metadata", "spec", "status"] {
      guard var part = set.children[.field(name)], !part.children.isEmpty else { continue }
      part.isMember = false
      set.children[.field(name)] = part
    }
    if set.children[.field("metadata")] == .leaf { set.children[.field("metadata")] = nil }
    return set
  }
}
