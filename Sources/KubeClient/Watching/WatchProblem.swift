/// Why a list or a watch did not go on, as far as it decides what to do next.
enum WatchProblem: Equatable, Sendable {
  /// The server said so: as the status of the answer, or as an ERROR event.
  case status(APIStatus)
  /// No connection, no credentials, no answer in time: nothing is known of the server's mind.
  case unreachable(String)
  /// The answer came and cannot be used: not decoded, or too large (R12).
  case unreadable(String)

  var reason: String {
    switch self {
    case .status(let status): status.description
    case .unreachable(let text), .unreadable(let text): text
    }
  }
}

extension WatchProblem {
  init(_ error: KubeError) {
    switch error {
    case .status(let status): self = .status(status)
    case .decode(let text): self = .unreadable(text)
    case .transport(let failure) where failure.kind == .tooLarge: self = .unreadable(failure.description)
    case .configuration, .credentials, .request, .transport, .cancelled: self = .unreachable(error.description)
    }
  }
}
