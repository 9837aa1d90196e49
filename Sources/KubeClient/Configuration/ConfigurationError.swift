/// Why there is no usable cluster configuration. A message says what was tried, on what (file, line and entry), and what to do; it
/// never quotes a credential.
public enum ConfigurationError: Error, Hashable, Sendable {
  /// No place has a configuration.
  case notFound(looked: [String])
  /// A file that has to be there cannot be read.
  case unreadable(path: String, usedBy: String, reason: String)
  /// A file is not YAML, or not in the shape of a kubeconfig.
  case malformed(String)
  /// The context, or the cluster or user that it names, is not there.
  case dangling(ConfigurationLocation, reason: String, remedy: String)
  /// An entry that cannot be used as it stands.
  case invalid(ConfigurationLocation, reason: String, remedy: String)
  /// A credential plugin that gave no credential.
  case plugin(ConfigurationLocation, command: String, reason: String, remedy: String)
  /// The calling task was cancelled while it waited for credentials.
  case cancelled
}

/// An entry of a configuration file.
public struct ConfigurationLocation: Hashable, Sendable {
  /// The file, or what stands in its stead.
  public var file: String
  /// Counted from 1; `nil` where no line can be blamed.
  public var line: Int?
  /// `cluster "a"`, `user "b"`, `context "c"`.
  public var entry: String

  public init(file: String, line: Int? = nil, entry: String) {
    self.file = file
    self.line = line
    self.entry = entry
  }
}

extension ConfigurationLocation: CustomStringConvertible {
  public var description: String {
    line.map { "\(file):\($0): \(entry)" } ?? "\(file): \(entry)"
  }
}

extension ConfigurationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFound(let looked):
      "no cluster configuration found. Looked at: \(looked.joined(separator: "; ")). "
        + "Name a kubeconfig file, set KUBECONFIG, or run in a pod that has a service account."
    case .unreadable(let path, let usedBy, let reason):
      "cannot read \(path) (\(usedBy)): \(reason)"
    case .malformed(let message):
      message
    case .dangling(let location, let reason, let remedy), .invalid(let location, let reason, let remedy):
      "\(location): \(reason); \(remedy)"
    case .plugin(let location, let command, let reason, let remedy):
      "\(location): the credential plugin \(command) \(reason); \(remedy)"
    case .cancelled:
      "cancelled while waiting for credentials"
    }
  }
}
