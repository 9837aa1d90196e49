package import FoundationEssentials
import JSON
import Synchronization

/// A bearer token that TokenReview accepts.
package struct SimulatedToken: Sendable {
  /// Such as `system:serviceaccount:monitoring:prometheus-k8s`.
  package var user: String
  package var uid: String
  package var groups: [String]
  /// The audience of the token. A review without one asks for the API server's own, `SimulatedToken.apiServer`.
  package var audiences: [String]
  /// `nil` if the token does not expire.
  package var expires: Date?

  package static let apiServer = "https://kubernetes.default.svc"

  package init(user: String, uid: String = "", groups: [String] = [], audiences: [String] = [apiServer], expires: Date? = nil) {
    self.user = user
    self.uid = uid
    self.groups = groups
    self.audiences = audiences
    self.expires = expires
  }

  /// The token of a service account, in the groups of all service accounts and of those of its namespace.
  package static func serviceAccount(_ name: String, namespace: String, expires: Date? = nil) -> SimulatedToken {
    SimulatedToken(
      user: "system:serviceaccount:\(namespace):\(name)", uid: "\(namespace)-\(name)",
      groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"], expires: expires)
  }
}

/// The tokens of the server.
final class TokenTable: Sendable {
  private let tokens = Mutex<[String: SimulatedToken]>([:])

  func set(_ token: SimulatedToken?, for text: String) {
    tokens.withLock { $0[text] = token }
  }

  /// The `status` of a TokenReview.
  /// Source: k8s.io/kubernetes/pkg/registry/authentication/tokenreview/storage.go.
  func status(ofReview spec: JSONValue, now: Date) -> JSONValue {
    let asked = spec["audiences"]?.array?.compactMap(\.string) ?? []
    guard let token = tokens.withLock({ $0[spec["token"]?.string ?? ""] }) else {
      return ["user": [:], "error": "[invalid bearer token, token lookup failed]"]
    }
    if let expires = token.expires, expires <= now {
      return ["user": [:], "error": "[invalid bearer token, service account token has expired]"]
    }
    let audiences = token.audiences.filter((asked.isEmpty ? [SimulatedToken.apiServer] : asked).contains)
    guard !audiences.isEmpty else {
      return [
        "user": [:], "error": .string("[invalid bearer token, token audiences \(token.audiences) is invalid for the target audiences]"),
      ]
    }
    return [
      "authenticated": true, "audiences": .array(audiences.map { .string($0) }),
      "user": [
        "username": .string(token.user), "uid": .string(token.uid),
        "groups": .array((token.groups + ["system:authenticated"]).map { .string($0) }),
      ],
    ]
  }
}
