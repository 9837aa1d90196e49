internal import FoundationEssentials

/// A list as it stands in JSON.
struct WireList<Wire: Decodable>: Decodable {
  struct Metadata: Decodable {
    var resourceVersion: String?
    var `continue`: String?
  }
  var kind: String?
  var metadata: Metadata?
  var items: [Wire]?

  static func read(_ data: Data, kind: String) throws -> WireList {
    let list = try JSONDecoder().decode(WireList.self, from: data)
    guard list.kind == "\(kind)List" else { throw RecordError("kind '\(list.kind ?? "")' where a \(kind)List was asked for") }
    return list
  }

  func page<Value: Record>(_ convert: (Wire) throws -> Value) throws -> RecordPage<Value> {
    guard let version = metadata?.resourceVersion, !version.isEmpty else { throw RecordError("a list without metadata.resourceVersion") }
    let token = metadata?.continue ?? ""
    return RecordPage(
      records: try (items ?? []).map { try convert($0).named() }, resourceVersion: version, continueToken: token.isEmpty ? nil : token)
  }
}
