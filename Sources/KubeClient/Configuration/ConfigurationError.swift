/// Why there is no usable cluster configuration. Messages name the file, line and entry and say what to do. They never quote a credential.
public enum ConfigurationError: Error, Hashable, Sendable {
  /// No configuration was found.
  case notFound(looked: [String])
  /// A required file cannot be read.
  case unreadable(path: String, usedBy: String, reason: String)
  /// A file is not valid YAML, or not a kubeconfig.
  case malformed(String)
  /// The context does not exist, or the cluster or user that it refers to.
  case dangling(ConfigurationLocation, reason: String, remedy: String)
  /// An entry is unusable.
  case invalid(ConfigurationLocation, reason: String, remedy: String)
  /// A credential plugin failed to return a credential.
  case plugin(ConfigurationLocation, command: String, reason: String, remedy: String)
  /// The calling task was cancelled while waiting for credentials.
  case cancelled
}

/// The location of an entry in a configuration file.
public struct ConfigurationLocation: Hashable, Sendable {
  /// The file, or another source such as the environment.
  public var file: String
  /// Starts at 1; `nil` if unknown.
  public var line: Int?
  /// E.g. `cluster "a"`, `user "b"`, `context "c"`.
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
