internal import HTTPTransport
internal import Synchronization

/// Ends an open watch when the certificate files of its connection change (R21). A revoked authority or a replaced client certificate must
/// not be used until the watch ends, which may take ten minutes.
final class ConnectionRenewal: Sendable {
  private struct State {
    /// The content of the files just before the watch was opened.
    var material: TLSOptions?
    var stream: HTTPStream?
    var hasEnded = false
  }
  private let state = Mutex(State())
  private let material: @Sendable () -> TLSOptions?

  /// - Parameter material: the current content of the files; `nil` if one is unreadable, e.g. while it is being replaced.
  init(material: @escaping @Sendable () -> TLSOptions?) { self.material = material }

  /// `nil` if the client uses no certificate files.
  convenience init?(_ client: KubeClient) {
    guard let files = client.access.tlsFiles else { return nil }
    let transport = client.transport
    self.init { transport.current(files) }
  }

  /// Call before opening a watch.
  func willOpen() {
    let current = material()
    state.withLock { $0 = State(material: current) }
  }

  /// Allows this stream to be ended.
  func streamOpened(_ stream: HTTPStream) {
    state.withLock { if $0.stream == nil, !$0.hasEnded { $0.stream = stream } }
  }

  /// Releases the stream after the watch.
  func streamClosed() {
    let old = state.withLock { state in
      defer { state = State() }
      return state.stream
    }
    _ = consume old
  }

  /// Whether the stream was ended by `check()`.
  var hasEnded: Bool { state.withLock { $0.hasEnded } }

  /// Checks the files until the task is cancelled.
  func run(every interval: Duration, _ time: ElapsedTime) async {
    while !Task.isCancelled {
      // Throws only on cancellation, which ends the loop.
      try? await time.sleep(interval)
      check()
    }
  }

  /// Ends the stream if the files changed since it was opened.
  func check() {
    guard let current = material() else { return }
    let outdated = state.withLock { state -> HTTPStream? in
      guard let opened = state.material, opened != current, let stream = state.stream.take() else { return nil }
      state.hasEnded = true
      return stream
    }
    outdated?.cancel()
  }
}
