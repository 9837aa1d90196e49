internal import JSON
internal import KubeClient

/// Who sent a request, as the API server says.
struct ReviewedUser: Hashable, Sendable {
  var name: String
  var uid = ""
  var groups: [String] = []
  /// What else the authenticator says, such as the Pod of a service account's token; passed on unread.
  var extra: JSONValue?
}

/// What a user asks for: a path of this port, and the method in lower case, as in RBAC's rules for `nonResourceURLs`.
struct AccessQuestion: Hashable, Sendable {
  var user: ReviewedUser
  var verb: String
  var path: String
}

/// The API server's two reviews, for which the ClusterRole `system:auth-delegator` has the permissions.
struct AccessReviews: Sendable {
  /// Whose token it is; `nil` for a token that is malformed, expired, deleted, or of another audience.
  var user: @Sendable (_ token: String) async throws(KubeError) -> ReviewedUser?
  var allows: @Sendable (AccessQuestion) async throws(KubeError) -> Bool

  /// Less than the usual scrape timeout of 10 s, so that the client gets our response.
  static let limits = RequestLimits(deadline: .seconds(4), maximumBodyBytes: 1 << 20)
}

extension AccessReviews {
  init(client: KubeClient) {
    @Sendable func review(_ resource: APIResource, _ spec: JSONValue) async throws(KubeError) -> JSONValue {
      let object: JSONValue = ["apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "spec": spec]
      let response = try await client.send(.create(resource, namespace: "", object), limits: Self.limits)
      guard let status = (try? JSONValue(parsing: response.body))?["status"] else {
        throw .decode("the response to a \(resource.kind) has no status")
      }
      return status
    }
    user = { token async throws(KubeError) in
      // Without `audiences` the token must be for the API server itself.
      let status = try await review(.tokenReviews, ["token": .string(token)])
      guard status["authenticated"]?.bool == true, let user = status["user"] else { return nil }
      return ReviewedUser(
        name: user["username"]?.string ?? "", uid: user["uid"]?.string ?? "", groups: user["groups"]?.array?.compactMap(\.string) ?? [],
        extra: user["extra"])
    }
    allows = { question async throws(KubeError) in
      var spec: JSONValue = [
        "user": .string(question.user.name), "uid": .string(question.user.uid),
        "groups": .array(question.user.groups.map { .string($0) }),
        "nonResourceAttributes": ["path": .string(question.path), "verb": .string(question.verb)],
      ]
      spec["extra"] = question.user.extra
      let status = try await review(.subjectAccessReviews, spec)
      return status["allowed"]?.bool == true && status["denied"]?.bool != true
    }
  }
}
