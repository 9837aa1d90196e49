import FoundationEssentials
package import JSON
package import Logging
import ServiceLifecycle

/// A Kubernetes API server without a cluster behind it, for the demo, tests and benchmarks. Real clients, `kubectl` among them, speak to
/// it over HTTP; whoever holds it puts objects in and provokes faults.
package final class SimulatedAPIServer: Service, Sendable {
  private let configuration: SimulatorConfiguration
  private let logger: Logger
  private let cluster: Cluster
  private let listening = ListeningState()
  private let faults = FaultBox()
  private let population: Population?

  /// The namespaces that every cluster has exist from the start.
  package init(configuration: SimulatorConfiguration = SimulatorConfiguration(), logger: Logger = Logger(label: "rollcall.simulator")) {
    self.configuration = configuration
    self.logger = logger
    let now = Date()
    let population = configuration.population.map { Population(size: $0, now: now) }
    var store = ObjectStore(
      eventHistory: configuration.eventHistory, rules: ValidationRules(acceptsLoopbackEndpoints: configuration.acceptsLoopbackEndpoints),
      namespaces: Self.firstNamespaces + (population == nil ? [] : GeneratedPod.namespaces), now: now)
    population?.settle(in: &store)
    self.population = population
    cluster = Cluster(store: store)
  }

  private static let firstNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"]

  // MARK: Life

  /// Serves until the task is cancelled or the service group shuts down; watches that are under way end with it.
  /// - Throws: the error of the socket if it cannot listen.
  package func run() async throws {
    do {
      let handler = APIHandler(cluster: cluster, bookmarkInterval: configuration.bookmarkInterval)
      let responder = APIResponder(handler: handler, bearerToken: configuration.bearerToken, faults: faults, logger: logger)
      try await cancelWhenGracefulShutdown { [listening, configuration, logger] in
        try await serve(responder, configuration: configuration, logger: logger) { port in
          logger.info("simulated API server listens", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
          listening.settle(.success(port))
        }
      }
      listening.settle(.failure(SimulatorError.stopped))
    } catch is CancellationError {
      listening.settle(.failure(SimulatorError.stopped))
    } catch {
      listening.settle(.failure(error))
      throw error
    }
  }

  /// Waits until the server accepts connections.
  /// - Returns: the port.
  /// - Throws: what kept the server from listening, or `CancellationError`.
  @discardableResult
  package func waitUntilListening() async throws -> Int {
    try await listening.port()
  }

  /// Where the server listens; before it does, with the configured port.
  package var url: String { "http://\(configuration.host):\(listening.currentPort ?? configuration.port)" }

  /// A kubeconfig for this server, as JSON, which is YAML.
  package func kubeconfig() -> String {
    var user: JSONValue = [:]
    if let token = configuration.bearerToken { user["token"] = .string(token) }
    let config: JSONValue = [
      "apiVersion": "v1", "kind": "Config", "current-context": "simulator",
      "clusters": [["name": "simulator", "cluster": ["server": .string(url)]]],
      "users": [["name": "simulator", "user": user]],
      "contexts": [["name": "simulator", "context": ["cluster": "simulator", "user": "simulator"]]],
    ]
    return config.prettyText
  }

  // MARK: Objects

  /// Creates the object or replaces what is there, its status included and whatever version it names. A namespace that does not
  /// exist yet is created too. Managed fields stay as they are; times, uid and such are taken from the object where it has them.
  /// - Returns: the object as the server now has it.
  /// - Throws: `APIFailure` 400 for a kind that the server does not know, 422 for an object that it refuses.
  @discardableResult
  package func put(_ object: JSONValue) throws(APIFailure) -> JSONValue {
    guard let kind = ResourceTable.kind(apiVersion: object["apiVersion"]?.string ?? "", kind: object["kind"]?.string ?? "") else {
      throw .badRequest("no kind \(object["kind"]?.string ?? "") in \(object["apiVersion"]?.string ?? "") on the simulated server")
    }
    let context = WriteContext(now: Date(), part: .everything, group: kind.group)
    let stored = try cluster.write { (store) throws(APIFailure) in
      try store.put(kind.stored(object), kind: kind.storage, context: context)
    }
    return try stored.decoded(as: kind)
  }

  /// Deletes the object; finalizers hold it as they do on a real server.
  /// - Parameter resource: a plural, with its group where there is one, such as `pods` or `endpointslices.discovery.k8s.io`.
  /// - Throws: `APIFailure` 404.
  package func remove(_ resource: String, namespace: String = "", name: String) throws(APIFailure) {
    let kind = try kind(resource)
    let context = WriteContext(now: Date(), part: .everything)
    _ = try cluster.write { (store) throws(APIFailure) in try store.delete(kind.storage, namespace: namespace, name: name, context: context)
    }
  }

  /// The object as it is now; `nil` if there is none, or no such resource.
  package func get(_ resource: String, namespace: String = "", name: String) -> JSONValue? {
    try? cluster.read { (store) throws(APIFailure) in
      let kind = try kind(resource)
      return try store.get(kind.storage, namespace: namespace, name: name).decoded(as: kind)
    }
  }

  /// The objects as they are now, of one namespace or of all, by namespace and name.
  /// - Throws: `APIFailure` 404 for a resource that the server does not know.
  package func list(_ resource: String, namespace: String = "") throws(APIFailure) -> [JSONValue] {
    let kind = try kind(resource)
    let options = ListOptions(selector: Selector(namespace: namespace))
    let page = try cluster.read { (store) throws(APIFailure) in try store.list(kind.storage, options) }
    var objects: [JSONValue] = []
    for item in page.items { objects.append(try item.decoded(as: kind)) }
    return objects
  }

  /// The version of the latest write.
  package var resourceVersion: UInt64 {
    cluster.version
  }

  private func kind(_ resource: String) throws(APIFailure) -> ResourceKind {
    guard let kind = ResourceTable.kind(named: resource) else { throw .noSuchResource }
    return kind
  }

  // MARK: Population

  /// The node at this place of the population, counted from 0; `nil` without a population.
  package func populationNode(_ number: Int) -> PopulationNode? { population?.node(at: number) }

  /// The containers that run on this node of the population now.
  package func runningContainers(onNode number: Int) -> [PopulationNode.Container] {
    population?.runningContainers(onNode: number) ?? []
  }

  /// Changes random pods of the population until the task is cancelled; watches get this many events a second of it.
  package func churn(eventsPerSecond: Int) async throws {
    guard let population else { return }
    let clock = ContinuousClock()
    let started = clock.now
    var random = SplitMix64(state: 1)
    var events = 0
    while true {
      // A real API server sends each event as it comes: what a client pays to be woken is part of what an event costs it.
      try await Task.sleep(for: .milliseconds(1))
      let due = Int((clock.now - started) / .seconds(1) * Double(eventsPerSecond))
      // A pod that is replaced is two events, of which the next round makes up.
      try cluster.write { (store) throws(APIFailure) in
        for _ in events..<max(events, due) where events < due { events += population.change(in: &store, &random) }
      }
    }
  }

  // MARK: Faults and counts

  /// Forgets all history, as etcd does from time to time: watches and continued lists from before now get 410.
  package func compact() {
    cluster.compact()
  }

  /// Ends every watch that is under way, as a server does that goes away.
  package func dropWatches() {
    cluster.dropWatches()
  }

  /// How many watches are under way.
  package var watchCount: Int { cluster.watchCount }

  /// Refuses the next requests which the rejection is about, instead of answering them. Several add up, in order.
  package func rejectNext(_ rejection: Rejection) {
    faults.add(rejection)
  }

  /// How many requests of this verb for this resource have come in, the refused ones included.
  /// - Parameters:
  ///   - verb: `nil` counts all verbs.
  ///   - resource: a plural with its group, such as `endpointslices.discovery.k8s.io`; `nil` counts all resources.
  package func requestCount(_ verb: Verb? = nil, _ resource: String? = nil) -> Int {
    faults.requestCount(verb, resource)
  }

  /// How many requests have come in that were to change something.
  package func writeCount(_ resource: String? = nil) -> Int {
    Verb.allCases.filter(\.isWrite).reduce(0) { $0 + faults.requestCount($1, resource) }
  }
}

/// Why a simulated server does not listen.
package enum SimulatorError: Error, CustomStringConvertible {
  /// It ended before, or while, somebody waited for it.
  case stopped

  package var description: String { "the simulated API server has stopped and does not listen" }
}
