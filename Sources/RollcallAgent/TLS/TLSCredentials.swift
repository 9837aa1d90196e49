import Logging
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The newest usable certificates of a folder. While it runs it looks whether they changed; connections that come later get the new ones.
final class TLSCredentials: Service {
  /// Certificates live for months and are renewed long before their end; a Secret takes the kubelet a minute to bring. Reading three small
  /// files costs some microseconds, and comparing what is in them sees a change that a time stamp hides.
  private static let interval: Duration = .seconds(2)

  enum State {
    case missing(String)
    case loaded(NIOSSLContext)
  }

  private let folder: String
  private let check: ClientCheck
  private let logger: Logger
  private let published = Mutex(State.missing("not read yet"))

  init(folder: String, checking check: ClientCheck = .required, logger: Logger) {
    self.folder = folder
    self.check = check
    self.logger = logger
  }

  var state: State {
    published.withLock { $0 }
  }

  /// Ends with the graceful shutdown.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      var watch = Watch()
      while !Task.isCancelled {
        self.look(&watch)
        do {
          try await Task.sleep(for: Self.interval)
        } catch {
          return
        }
      }
    }
  }

  /// What the last look saw, so that each change is told once.
  private struct Watch {
    var files: TLSFiles?
    var problem: String?
  }

  private func look(_ watch: inout Watch) {
    do {
      let files = try TLSFiles(in: folder, checking: check)
      guard files != watch.files else { return }
      watch.files = files
      let context = try files.makeContext()
      publish(context)
      watch.problem = nil
    } catch {
      let problem = "\(error)"
      guard problem != watch.problem else { return }
      watch.problem = problem
      report(problem)
    }
  }

  private func publish(_ context: NIOSSLContext) {
    let wasLoaded = published.withLock { state in
      defer { state = .loaded(context) }
      if case .loaded = state { return true }
      return false
    }
    logger.notice(wasLoaded ? "certificates renewed" : "certificates loaded", metadata: ["folder": "\(folder)"])
  }

  /// What was loaded stays: half a renewal, or a Secret that went, is no reason to turn the controller away.
  private func report(_ problem: String) {
    let isLoaded = published.withLock { state in
      if case .loaded = state { return true }
      state = .missing(problem)
      return false
    }
    let metadata: Logger.Metadata = ["folder": "\(folder)", "error": "\(problem)"]
    if isLoaded {
      logger.warning("the new certificates cannot be used; keeping the old ones", metadata: metadata)
    } else {
      logger.warning("waiting for certificates; connections are refused until they are there", metadata: metadata)
    }
  }
}
