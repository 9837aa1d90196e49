internal import FoundationEssentials
internal import JSON

/// An event of a watch as it stands in JSON: `{"type": …, "object": …}`.
struct WireEvent<Wire: Decodable>: Decodable {
  enum Content {
    case object(Wire, kind: String)
    case status(APIStatus)
  }
  var type: String
  var content: Content

  private enum Member: CodingKey { case type, object }
  private enum ObjectMember: CodingKey { case kind }

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Member.self)
    type = try members.decode(String.self, forKey: .type)
    if type == "ERROR" {
      content = .status(APIStatus(try members.decode(JSONValue.self, forKey: .object)))
    } else {
      let object = try members.nestedContainer(keyedBy: ObjectMember.self, forKey: .object)
      content = .object(
        try members.decode(Wire.self, forKey: .object), kind: try object.decodeIfPresent(String.self, forKey: .kind) ?? "")
    }
  }

  static func read(_ data: Data, kind: String) throws -> WireEvent {
    let event = try JSONDecoder().decode(WireEvent.self, from: data)
    if case .object(_, let found) = event.content, found != kind {
      throw RecordError("kind '\(found)' where a \(kind) was asked for")
    }
    return event
  }

  func event<Value: Record>(_ convert: (Wire) throws -> Value) throws -> WatchEvent<Value> {
    switch content {
    case .status(let status): .error(status)
    case .object(let object, _): try WatchEvent(type: type, record: try convert(object))
    }
  }
}
