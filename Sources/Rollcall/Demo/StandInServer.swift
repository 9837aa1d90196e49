internal import Hummingbird
internal import Logging
internal import Simulator

/// One page of metrics at one address: what a Windows exporter or a pod's cAdvisor endpoint is to the controller.
struct StandInServer: Sendable {
  var address: String
  var port: Int
  var path: String
  /// Makes the page anew for each request.
  var page: @Sendable (_ secondsUp: Double) -> [UInt8]
  /// Awaited before each answer: a server that says nothing waits here.
  var beforeAnswering: @Sendable () async -> Void = {}

  /// Serves until the task is cancelled.
  func run() async throws {
    let started = ContinuousClock.now
    let router = Router()
    router.get(RouterPath(path)) { _, _ in
      await beforeAnswering()
      let (seconds, attoseconds) = (ContinuousClock.now - started).components
      return Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: .init(byteBuffer: .init(bytes: page(Double(seconds) + Double(attoseconds) / 1e18))))
    }
    try await Application(
      router: router, configuration: .init(address: .hostname(address, port: port)), logger: .quiet("stand-in")
    ).runEndingInOrder()
  }
}
