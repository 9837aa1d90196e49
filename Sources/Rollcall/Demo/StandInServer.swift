internal import Hummingbird
internal import Logging
internal import Simulator

/// A metrics endpoint: the stand-in for a Windows exporter or for the cAdvisor endpoint of a pod.
struct StandInServer: Sendable {
  var address: String
  var port: Int
  var path: String
  /// Renders the body of each response.
  var body: @Sendable (_ secondsUp: Double) -> [UInt8]
  /// Awaited before each response; a silent endpoint waits here.
  var beforeResponding: @Sendable () async -> Void = {}

  /// Serves until the task is cancelled.
  func run() async throws {
    let started = ContinuousClock.now
    let router = Router()
    router.get(RouterPath(path)) { _, _ in
      await beforeResponding()
      let (seconds, attoseconds) = (ContinuousClock.now - started).components
      return Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: .init(byteBuffer: .init(bytes: body(Double(seconds) + Double(attoseconds) / 1e18))))
    }
    try await Application(
      router: router, configuration: .init(address: .hostname(address, port: port)), logger: .quiet("stand-in")
    ).runEndingInOrder()
  }
}
