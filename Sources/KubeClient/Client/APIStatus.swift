/// The API server's answer to a request that it did not fulfil: a `Status` object (`meta/v1`), or what can be said of an answer without one.
public struct APIStatus: Error, Hashable, Sendable, CustomStringConvertible {
  /// The HTTP status code.
  public var code: Int
  /// One CamelCase word for programs, such as `NotFound`, `Conflict`, `Expired`; may be empty.
  public var reason: String
  /// A sentence for people.
  public var message: String
  /// The reasons of `details.causes`, such as `ResourceVersionTooLarge` or `FieldManagerConflict`.
  public var causes: [String]
  /// How long the server asked to be left alone (`Retry-After`, or `details.retryAfterSeconds`).
  public var retryAfter: Duration?

  public init(code: Int, reason: String = "", message: String = "", causes: [String] = [], retryAfter: Duration? = nil) {
    self.code = code
    self.reason = reason
    self.message = message
    self.causes = causes
    self.retryAfter = retryAfter
  }

  public var description: String {
    let head = reason.isEmpty ? "\(code)" : "\(code) \(reason)"
    return message.isEmpty ? head : "\(head): \(message)"
  }
}

extension APIStatus {
  /// There is no such object, or no such resource.
  public var isNotFound: Bool { code == 404 }
  /// A write that met another version of the object, or another manager's field.
  public var isConflict: Bool { code == 409 && reason != "AlreadyExists" }
  /// A create that met an object of that name.
  public var isAlreadyExists: Bool { code == 409 && reason == "AlreadyExists" }
  /// The resource version or the continue token is older than what the server still knows.
  public var isExpired: Bool { code == 410 || reason == "Expired" || reason == "Gone" }
  /// The resource version is newer than what the server has reached, as after a restore of etcd.
  ///
  /// Source: `NewTooLargeResourceVersionError` in k8s.io/apiserver, a 504 with this cause; older servers have only the text.
  public var isTooLargeResourceVersion: Bool {
    causes.contains("ResourceVersionTooLarge") || message.hasPrefix("Too large resource version")
  }
}
