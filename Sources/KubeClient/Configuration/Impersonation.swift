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
