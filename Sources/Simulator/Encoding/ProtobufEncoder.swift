import JSON
enum ProtobufEncoder { static func encode(_ o: JSONValue, as m: ProtobufMessage) -> [UInt8] { [] } }
struct ProtobufMessage: Sendable { static let status = ProtobufMessage(), listMeta = ProtobufMessage() }
