internal import Foundation
internal import Synchronization

/// A loopback server that does to a client what a script says: answers well, stalls, throttles, lies, or cuts in mid-stream.
///
/// The script is called once for each connection, on a thread of that connection, so it may block; when it returns or throws, the
/// connection is closed.
///
///     let server = try ScriptedServer { connection in
///       while let request = try connection.readRequest() {            // nil: the client has closed
///         if request.target == "/cut" {
///           try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
///           return connection.reset()                                 // RST
///         }
///         try connection.respond(status: 200, body: "hello")
///       }
///     }
///     defer { server.stop() }
///     … \(server.url)/cut …
///     #expect(server.requests.first?.header("accept") == "…")
///
/// `connection.index` says which connection it is (0 first), so a script can treat the second one differently.
/// `try connection.stall(until: gate)` holds until the test opens the gate (or the server stops). The server stops when it is released.
package final class ScriptedServer: Sendable {
  package typealias Script = @Sendable (ScriptedConnection) throws -> Void

  private let shared: ServerState
  private let listener: ListeningSocket
  private let address: ListeningAddress

  /// Listens at once. Throws if the address is taken.
  package init(on address: ListeningAddress = .tcp(), script: @escaping Script) throws {
    let listener = try ListeningSocket(address)
    let shared = ServerState()
    self.listener = listener
    self.shared = shared
    self.address = address
    Thread.detachNewThread { Self.acceptConnections(from: listener.descriptor, shared: shared, script: script) }
  }

  deinit { stop() }

  /// The TCP port; 0 for a Unix socket.
  package var port: Int { listener.port }

  /// `http://host:port` without a slash at the end; `http://localhost` for a Unix socket.
  package var url: String {
    switch address {
    case .tcp(let host, _): "http://\(host):\(port)"
    case .unix: "http://localhost"
    }
  }

  /// What was received so far, in order of arrival.
  package var requests: [ReceivedRequest] { shared.state.withLock { $0.requests } }

  /// How many connections were accepted so far.
  package var acceptedConnections: Int { shared.state.withLock { $0.accepted } }

  /// How many connections are open: accepted, and their script still runs.
  package var openConnections: Int { shared.state.withLock { $0.open.count } }

  /// What scripts threw, as text: most often a client that went away.
  package var scriptErrors: [String] { shared.state.withLock { $0.errors } }

  /// Closes the listener and every connection; scripts that wait are woken and throw. May be called twice.
  package func stop() {
    let wasStopped = shared.state.withLock { state in
      let before = state.isStopped
      state.isStopped = true
      for connection in state.open.values { shutdown(connection, Int32(SHUT_RDWR)) }
      return before
    }
    // The accepting thread wakes and closes the descriptor itself, so that its number cannot be reused while it is in `accept`.
    if !wasStopped { shutdown(listener.descriptor, Int32(SHUT_RDWR)) }
    if case .unix(let path) = address, !wasStopped { unlink(path) }
  }

  private static func acceptConnections(from listener: Int32, shared: ServerState, script: @escaping Script) {
    while true {
      let descriptor = accept(listener, nil, nil)
      if descriptor < 0 {
        if errno == EINTR || errno == ECONNABORTED || errno == EMFILE { continue }
        break
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      guard let index = shared.opened(descriptor) else {
        close(descriptor)
        break
      }
      Thread.detachNewThread {
        do {
          try script(ScriptedConnection(descriptor: descriptor, index: index, shared: shared))
        } catch {
          shared.state.withLock { $0.errors.append("\(error)") }
        }
        shared.closed(index)
        close(descriptor)
      }
    }
    close(listener)
  }
}

/// What the threads of a server share.
final class ServerState: Sendable {
  struct State {
    var isStopped = false
    var accepted = 0
    var open: [Int: Int32] = [:]
    var requests: [ReceivedRequest] = []
    var errors: [String] = []
  }
  let state = Mutex(State())

  var isStopped: Bool { state.withLock { $0.isStopped } }

  /// The new connection's number, or nil if the server has stopped.
  func opened(_ descriptor: Int32) -> Int? {
    state.withLock { state in
      guard !state.isStopped else { return nil }
      state.open[state.accepted] = descriptor
      state.accepted += 1
      return state.accepted - 1
    }
  }

  func closed(_ index: Int) {
    state.withLock { state in _ = state.open.removeValue(forKey: index) }
  }
}
