/// Certificates or a key as PEM text.
public enum PEM: Hashable, Sendable {
  /// Read whenever a connection is made, so that a rotated file is picked up.
  case file(String)
  /// The text itself.
  case data(Secret)
}

/// What a request proves its sender with, beside the client certificate in `ClusterTLS`.
public enum ClusterCredentials: Hashable, Sendable {
  case none
  case token(Secret)
  /// A file that is rotated while we run, as a pod's service account token is. `initial` is used until the file could be read.
  case tokenFile(path: String, initial: Secret?)
  case basic(user: String, password: Secret)
  /// A program that gives a token, a client certificate, or both.
  case plugin(CredentialPlugin)
}

/// Bytes that no log, description, dump or mirror ever shows.
public struct Secret: Hashable, Sendable {
  /// The bytes themselves, for the one place that sends them.
  public let revealed: [UInt8]

  public init(_ bytes: some Sequence<UInt8>) {
    self.revealed = Array(bytes)
  }

  public init(_ text: String) {
    self.init(text.utf8)
  }

  /// The bytes as UTF-8, again only for the one place that sends them.
  public var revealedText: String { String(decoding: revealed, as: UTF8.self) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "(redacted)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Who requests are made as: the `Impersonate-…` headers of Kubernetes.
public struct Impersonation: Hashable, Sendable {
  public var user: String
  public var uid: String?
  public var groups: [String]
  public var extra: [String: [String]]

  public init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
    self.user = user
    self.uid = uid
    self.groups = groups
    self.extra = extra
  }
}

extension Impersonation {
  /// Source: "User impersonation" in the Kubernetes documentation on authentication.
  var headers: [(name: String, value: String)] {
    var headers = [("Impersonate-User", user)]
    if let uid { headers.append(("Impersonate-Uid", uid)) }
    headers += groups.map { ("Impersonate-Group", $0) }
    for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
      headers += values.map { ("Impersonate-Extra-\(headerName(key))", $0) }
    }
    return headers
  }

  /// The characters that a header's name may not have are percent-encoded, and so is `%`; the server makes the name lower case.
  private func headerName(_ key: String) -> String {
    key.utf8.map { byte in
      switch UnicodeScalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "!", "#", "$", "&", "'", "*", "+", "-", ".", "^", "_", "`", "|", "~":
        return String(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        return byte < 0x10 ? "%0\(digits)" : "%\(digits)"
      }
    }.joined()
  }
}
