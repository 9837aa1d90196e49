internal import Primitives

/// The `Status` (`meta/v1`) of a request that the API server refused, or its HTTP status if the response has no `Status`.
public struct APIStatus: Error, Hashable, Sendable, CustomStringConvertible {
  /// The HTTP status code.
  public var code: Int
  /// One CamelCase word for programs, such as `NotFound`, `Conflict` or `Expired`; may be empty.
  public var reason: String
  /// A sentence for people.
  public var message: String
  /// The reasons in `details.causes`, such as `ResourceVersionTooLarge` or `FieldManagerConflict`.
  public var causes: [String]
  /// How long the server asked the client to wait (`Retry-After`, or `details.retryAfterSeconds`).
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
  /// The object or the resource does not exist.
  public var isNotFound: Bool { code == 404 }
  /// The write conflicts with a newer version of the object, or with another field manager.
  public var isConflict: Bool { code == 409 && reason != "AlreadyExists" }
  /// An object of this name exists already.
  public var isAlreadyExists: Bool { code == 409 && reason == "AlreadyExists" }
  /// The resource version or the continue token has expired on the server.
  public var isExpired: Bool { code == 410 || reason == "Expired" || reason == "Gone" }
  /// The resource version is newer than the server's, as after a restore of etcd.
  ///
  /// Source: `NewTooLargeResourceVersionError` in k8s.io/apiserver, a 504 with this cause. Older servers send only the text.
  public var isTooLargeResourceVersion: Bool {
    causes.contains("ResourceVersionTooLarge") || message.hasPrefix("Too large resource version")
  }
}
