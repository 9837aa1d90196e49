import JSON
import Testing

@testable import Controller

@Suite struct ListJoinTests {
  private static let large = (0..<5000).map { "{\"node\":\"node-\($0)\",\"detail\":\"a, b], }\"}" }

  /// - Parameter size: the number of bytes in a chunk.
  private func joined(_ parts: [String], size: Int) throws -> JSONValue {
    var join = ListJoin(name: "gaps")
    var text = join.opening
    for part in parts {
      var rest = Array(part.utf8)[...]
      while !rest.isEmpty {
        text += try join.take(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      try join.endPart()
    }
    return try JSONValue(parsing: text + Array("]}".utf8))
  }

  @Test(arguments: [1, 2, 3, 7, 1000, 64 << 10, 1 << 20])
  func `R153: lists of several shards are one list, in chunks of any size`(size: Int) throws {
    let (empty, large) = ("{\"gaps\":[]}\n", "{\"gaps\":[\(Self.large.joined(separator: ","))]}\n")
    let one = "{\"gaps\":[{\"node\":\"last\"}]}\n"
    let list = try joined([empty, large, empty, large, one, empty], size: size)
    let nodes = (list["gaps"]?.array ?? []).compactMap { $0["node"]?.string }
    let names = (0..<5000).map { "node-\($0)" }
    #expect(nodes == names + names + ["last"])
    #expect(try joined([empty, empty], size: size)["gaps"]?.array == [])
  }

  @Test(arguments: ["", "{\"gaps\":", "{\"gaps\":[1,2", "{\"nodes\":[]}\n", "{\"error\":\"no\"}\n"])
  func `R153: an answer that is cut or is no list is refused`(part: String) {
    for size in [1, 100] { #expect(throws: ListJoin.Unexpected.self) { try joined([part], size: size) } }
  }
}
