public import Logging
internal import Synchronization

/// Keeps a store equal to what the API server has of one resource, by list and watch.
public final class Reflector<Value: Record>: Sendable {
  /// What is known; empty until the first list is through.
  public let store: Store<Value>

  /// - Parameters:
  ///   - selection: which of the objects.
  ///   - decoder: what is kept of each.
  public init(
    client: KubeClient, resource: APIResource, selection: Selection = .all, decoder: RecordDecoder<Value>, policy: WatchPolicy = .standard,
    clock: any Clock<Duration> = ContinuousClock(), logger: Logger
  ) {
    store = Store()
  }

  /// How it stands with the API server now.
  public var status: ReflectorStatus { .waiting(reason: "not started") }

  /// Lists and watches until the task is cancelled. Whatever fails is tried again, with a back-off; nothing is thrown.
  public func run() async {}
}
