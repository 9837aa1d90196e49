import Logging
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The latest usable certificates of a folder, reloaded when they change. New connections use the new ones.
final class TLSCredentials: Service {
  /// Reading three small files takes microseconds. Comparing contents detects changes that timestamps hide.
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

  /// `nil` until the certificates are loaded.
  var context: NIOSSLContext? {
    if case .loaded(let context) = state { context } else { nil }
  }

  /// Runs until graceful shutdown.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      var observed = Observed()
      while !Task.isCancelled {
        self.reload(&observed)
        do {
          try await Task.sleep(for: Self.interval)
        } catch {
          return
        }
      }
    }
  }

  /// The files and the problem of the last check, so that each change is logged once.
  private struct Observed {
    var files: TLSFiles?
    var problem: String?
  }

  private func reload(_ observed: inout Observed) {
    do {
      let files = try TLSFiles(in: folder, checking: check)
      guard files != observed.files else { return }
      observed.files = files
      let context = try files.makeContext()
      publish(context)
      observed.problem = nil
    } catch {
      let problem = "\(error)"
      guard problem != observed.problem else { return }
      observed.problem = problem
      report(problem)
    }
  }

  private func publish(_ context: NIOSSLContext) {
    let wasLoaded = published.withLock { state in
      defer { state = .loaded(context) }
      if case .loaded = state { return true }
      return false
    }
    logger.notice(wasLoaded ? "certificates renewed" : "certificates loaded", metadata: ["path": "\(folder)"])
  }

  /// Keeps loaded certificates: an incomplete renewal or a deleted Secret must not lock the controller out.
  private func report(_ problem: String) {
    let isLoaded = published.withLock { state in
      if case .loaded = state { return true }
      state = .missing(problem)
      return false
    }
    let metadata: Logger.Metadata = ["path": "\(folder)", "error": "\(problem)"]
    if isLoaded {
      logger.warning("cannot use the new certificates; keeping the old ones", metadata: metadata)
    } else {
      logger.warning("waiting for certificates; refusing connections", metadata: metadata)
    }
  }
}
