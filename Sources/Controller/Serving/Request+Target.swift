internal import Hummingbird

extension Request {
  /// Path and query, for a request to another replica. Not the target as the client sent it, which may name a host.
  var target: String { uri.path + (uri.query.map { "?\($0)" } ?? "") }
}
