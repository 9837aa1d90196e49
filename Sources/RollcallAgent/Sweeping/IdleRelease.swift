import ServiceLifecycle

/// Lets go of what is kept between sweeps when nobody asks for one: open files keep the network namespaces of pods that are gone.
struct IdleRelease: Service {
  /// Scrapes and roll calls come several times a minute, or not at all.
  static let limit: Duration = .seconds(60)
  private static let interval: Duration = .seconds(15)

  let sweeps: SharedSweep

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while (try? await Task.sleep(for: Self.interval)) != nil {
        sweeps.release(idleFor: Self.limit)
      }
    }
  }
}
