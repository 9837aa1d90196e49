#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Runs work on a thread that is made for it and ends with it, while the caller waits.
///
/// A thread that went into a network namespace keeps that alive, and everything that it opens later is of it. One that ends takes all of
/// this with it, however its work went.
package enum OwnThread {
  private final class Work {
    let body: () -> Void

    init(_ body: @escaping () -> Void) {
      self.body = body
    }
  }

  /// - Returns: whether there was a thread to run it on.
  package static func run(_ body: () -> Void) -> Bool {
    withoutActuallyEscaping(body) { body in
      var thread = pthread_t()
      let work = Unmanaged.passRetained(Work(body))
      let code = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue().body() }
          return nil
        }, work.toOpaque())
      if code == 0 { pthread_join(thread, nil) }
      work.release()
      return code == 0
    }
  }
}
