import JSON

/// A request to the API server as a value.
struct APIRequest: Sendable {
  var method = "GET"
  /// The path's parts, decoded.
  var path: [String] = []
  var query: [String: String] = [:]
  var accept = ""
  var contentType = ""
  var userAgent = ""
  var authorization = ""
  var body: [UInt8] = []

  /// - Parameter target: path and query as on the request line.
  init(method: String, target: String) {
    self.method = method
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = parts[0].split(separator: "/").map { Self.decoded($0, plusIsSpace: false) }
    guard parts.count == 2 else { return }
    for pair in parts[1].split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query[Self.decoded(sides[0], plusIsSpace: true)] = sides.count == 2 ? Self.decoded(sides[1], plusIsSpace: true) : ""
    }
  }

  /// Whether the parameter says yes.
  func flag(_ name: String) -> Bool {
    query[name] == "true" || query[name] == "1"
  }

  /// Who writes: the parameter, else the name of the program in User-Agent.
  var manager: String {
    if let manager = query["fieldManager"], !manager.isEmpty { return manager }
    return userAgent.split(separator: "/").first.map(String.init) ?? "unknown"
  }

  private static func decoded(_ text: Substring, plusIsSpace: Bool) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
