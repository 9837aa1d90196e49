internal import HTTPTransport
internal import Synchronization

/// Ends a watch that is open when the files change by which its connection was made (R21): an authority that is trusted no longer, or a
/// certificate of ours that was replaced, must not be used for the ten minutes that a watch may last.
final class ConnectionRenewal: Sendable {
  private struct State {
    /// What the files held just before the watch was asked for.
    var material: TLSOptions?
    var stream: HTTPStream?
    var hasEnded = false
  }
  private let state = Mutex(State())
  private let material: @Sendable () -> TLSOptions?

  /// - Parameter material: what the files hold now; `nil` where one cannot be read, as while it is being replaced.
  init(material: @escaping @Sendable () -> TLSOptions?) { self.material = material }

  /// `nil` where no file takes part in the client's connections.
  convenience init?(_ client: KubeClient) {
    guard let files = client.access.tlsFiles else { return nil }
    let transport = client.transport
    self.init { transport.current(files) }
  }

  /// To be called before a watch is asked for.
  func opening() {
    let current = material()
    state.withLock { $0 = State(material: current) }
  }

  /// The stream of that watch may be ended from now on.
  func follow(_ stream: HTTPStream) {
    state.withLock { if $0.stream == nil, !$0.hasEnded { $0.stream = stream } }
  }

  /// The watch is over; its stream is let go.
  func closed() {
    let old = state.withLock { state in
      defer { state = State() }
      return state.stream
    }
    _ = consume old
  }

  /// Whether it was this that ended the stream.
  var hasEnded: Bool { state.withLock { $0.hasEnded } }

  /// Looks at the files until the task is cancelled.
  func run(every interval: Duration, _ time: ElapsedTime) async {
    while !Task.isCancelled {
      // Cancellation ends the sleep, and then the loop.
      try? await time.sleep(interval)
      check()
    }
  }

  /// Ends the stream that is followed, if the files hold something else than before it was opened.
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
