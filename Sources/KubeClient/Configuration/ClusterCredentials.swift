/// Certificates or a key in PEM format.
public enum PEM: Hashable, Sendable {
  /// Read for each new connection, so that a rotated file takes effect.
  case file(String)
  case data(Secret)
}

/// How requests are authenticated, besides the client certificate in `ClusterTLS`.
public enum ClusterCredentials: Hashable, Sendable {
  case none
  case token(Secret)
  /// A file that is rotated at run time, such as a service account token. `initial` is used until the file is readable.
  case tokenFile(path: String, initial: Secret?)
  case basic(user: String, password: Secret)
  /// A program that returns a token, a client certificate, or both.
  case plugin(CredentialPlugin)
}

/// Bytes that never appear in logs, descriptions, dumps or mirrors.
public struct Secret: Hashable, Sendable {
  /// The bytes. Use only to send them.
  public let revealed: [UInt8]

  public init(_ bytes: some Sequence<UInt8>) {
    self.revealed = Array(bytes)
  }

  public init(_ text: String) {
    self.init(text.utf8)
  }

  /// The bytes as UTF-8. Use only to send them.
  public var revealedText: String { String(decoding: revealed, as: UTF8.self) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "(redacted)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The user that requests are made as (the `Impersonate-…` headers).
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
  /// Source: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
  var headers: [(name: String, value: String)] {
    var headers = [("Impersonate-User", user)]
    if let uid { headers.append(("Impersonate-Uid", uid)) }
    headers += groups.map { ("Impersonate-Group", $0) }
    for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
      headers += values.map { ("Impersonate-Extra-\(headerName(key))", $0) }
    }
    return headers
  }

  /// Percent-encodes characters that are invalid in a header name, and `%`. The server converts the name to lower case.
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
