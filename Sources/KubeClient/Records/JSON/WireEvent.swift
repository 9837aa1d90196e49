internal import FoundationEssentials
internal import JSON

/// An event of a watch as it stands in JSON: `{"type": …, "object": …}`.
struct WireEvent<Wire: Decodable>: Decodable {
  enum Content {
    case object(Wire, kind: String)
    /// An object of which only the metadata means anything.
    case bookmark(WireMetadata, kind: String)
    case status(APIStatus)
  }
  var type: String
  var content: Content

  private enum Member: CodingKey { case type, object }
  private enum ObjectMember: CodingKey { case kind, metadata }

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Member.self)
    type = try members.decode(String.self, forKey: .type)
    if type == "ERROR" {
      content = .status(APIStatus(try members.decode(JSONValue.self, forKey: .object)))
    } else {
      let object = try members.nestedContainer(keyedBy: ObjectMember.self, forKey: .object)
      let kind = try object.decodeIfPresent(String.self, forKey: .kind) ?? ""
      content =
        type == "BOOKMARK"
        ? .bookmark(try object.decode(WireMetadata.self, forKey: .metadata), kind: kind)
        : .object(try members.decode(Wire.self, forKey: .object), kind: kind)
    }
  }

  static func read(_ data: Data, kind: String) throws -> WireEvent {
    let event = try JSONDecoder().decode(WireEvent.self, from: data)
    switch event.content {
    case .object(_, let found), .bookmark(_, let found):
      guard found == kind else { throw RecordError("kind '\(found)' where a \(kind) was asked for") }
    case .status: break
    }
    return event
  }

  func event<Value: Record>(_ convert: (Wire) throws -> Value) throws -> WatchEvent<Value> {
    switch content {
    case .status(let status): .error(status)
    case .bookmark(let metadata, _):
      .bookmark(
        resourceVersion: metadata.resourceVersion ?? "",
        endsInitialEvents: metadata.annotations?[WatchEvent<Value>.initialEventsEnd] == "true")
    case .object(let object, _): try WatchEvent(type: type, record: try convert(object))
    }
  }
}
