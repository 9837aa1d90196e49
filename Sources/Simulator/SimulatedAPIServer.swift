import AsyncPrimitives
import FoundationEssentials
package import JSON
package import Logging
import Primitives
import ServiceLifecycle
import Synchronization

/// A Kubernetes API server without a cluster, for the demo, tests and benchmarks. Real clients such as `kubectl` talk to it over HTTP; its
/// owner adds objects and injects faults. It imports no KubeClient, so that it is an independent oracle for KubeClient's tests.
package final class SimulatedAPIServer: Service, Sendable {
  private let configuration: SimulatorConfiguration
  private let logger: Logger
  private let cluster: Cluster
  private let listening = Promise<Result<Int, any Error>>()
  private let hasStopped = Atomic(false)
  private let faults = FaultInjector()
  private let tokens = TokenTable()
  private let population: Population?

  /// Creates a server with the namespaces of every cluster and, if configured, a population.
  package init(configuration: SimulatorConfiguration = SimulatorConfiguration(), logger: Logger = Logger(label: "rollcall.simulator")) {
    self.configuration = configuration
    self.logger = logger
    let now = Date()
    let population = configuration.population.map { Population(size: $0, isIPv6First: configuration.isIPv6First, now: now) }
    var store = ObjectStore(
      eventHistory: configuration.eventHistory,
      rules: ServerRules(
        acceptsLoopbackEndpoints: configuration.acceptsLoopbackEndpoints, isIPv6First: configuration.isIPv6First),
      namespaces: Self.firstNamespaces + (population == nil ? [] : GeneratedPod.namespaces), now: now)
    population?.populate(&store)
    self.population = population
    cluster = Cluster(store: store)
  }

  private static let firstNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"]

  // MARK: Serving

  /// Serves until the task is cancelled or the service group shuts down; open watches end with it.
  /// - Throws: the error of the socket if it cannot listen.
  package func run() async throws {
    defer {
      hasStopped.store(true, ordering: .releasing)
      listening.fulfill(.failure(SimulatorError.stopped))
    }
    do {
      let handler = APIHandler(cluster: cluster, bookmarkInterval: configuration.bookmarkInterval)
      let responder = APIResponder(
        handler: handler, reviews: ReviewHandler(cluster: cluster, tokens: tokens, faults: faults), bearerToken: configuration.bearerToken,
        faults: faults, logger: logger)
      try await cancelWhenGracefulShutdown { [listening, configuration, logger] in
        try await serve(responder, configuration: configuration, logger: logger) { port in
          logger.info("simulated API server listens", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
          listening.fulfill(.success(port))
        }
      }
    } catch is CancellationError {
      // A graceful shutdown.
    } catch {
      listening.fulfill(.failure(error))
      throw error
    }
  }

  /// Waits until the server accepts connections.
  /// - Returns: the port.
  /// - Throws: the error of the socket, `SimulatorError.stopped` or `CancellationError`.
  @discardableResult
  package func waitUntilListening() async throws -> Int {
    guard let result = await listening.valueUnlessCancelled() else { throw CancellationError() }
    if hasStopped.load(ordering: .acquiring), (try? result.get()) != nil { throw SimulatorError.stopped }
    return try result.get()
  }

  /// The URL of the server, with the configured port until it listens.
  package var url: String { "http://\(configuration.host):\((try? listening.current?.get()) ?? configuration.port)" }

  /// A kubeconfig for this server, in JSON (which is valid YAML).
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

  /// Creates or replaces the object, including its status, whatever resource version it names; creates a missing namespace. It leaves
  /// managed fields unchanged and takes the UID and timestamps from the object if it has them.
  /// - Returns: the stored object.
  /// - Throws: `APIFailure` 400 for an unknown kind, 422 for an invalid object.
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

  /// Deletes the object; finalizers block it as on a real server.
  /// - Parameter resource: the plural with its API group, if any: `pods`, `endpointslices.discovery.k8s.io`.
  /// - Throws: `APIFailure` 404.
  package func remove(_ resource: String, namespace: String = "", name: String) throws(APIFailure) {
    let kind = try kind(resource)
    let context = WriteContext(now: Date(), part: .everything)
    _ = try cluster.write { (store) throws(APIFailure) in try store.delete(kind.storage, namespace: namespace, name: name, context: context)
    }
  }

  /// The current object; `nil` if the object or the resource does not exist.
  package func get(_ resource: String, namespace: String = "", name: String) -> JSONValue? {
    try? cluster.read { (store) throws(APIFailure) in
      let kind = try kind(resource)
      return try store.get(kind.storage, namespace: namespace, name: name).decoded(as: kind)
    }
  }

  /// The current objects of one namespace, or of all, ordered by namespace and name.
  /// - Throws: `APIFailure` 404 for an unknown resource.
  package func list(_ resource: String, namespace: String = "") throws(APIFailure) -> [JSONValue] {
    let kind = try kind(resource)
    let options = ListOptions(selector: Selector(namespace: namespace))
    let page = try cluster.read { (store) throws(APIFailure) in try store.list(kind.storage, options) }
    var objects: [JSONValue] = []
    for item in page.items { objects.append(try item.decoded(as: kind)) }
    return objects
  }

  /// The resource version of the latest write.
  package var resourceVersion: UInt64 {
    cluster.version
  }

  private func kind(_ resource: String) throws(APIFailure) -> ResourceKind {
    guard let kind = ResourceTable.kind(named: resource) else { throw .noSuchResource }
    return kind
  }

  // MARK: Access

  /// Lets TokenReview accept a token, or no longer if `token` is `nil`. SubjectAccessReview decides by the ClusterRoles and
  /// ClusterRoleBindings on the server.
  package func setToken(_ text: String, _ token: SimulatedToken?) {
    tokens.set(token, for: text)
  }

  // MARK: Population

  /// The node with this number, from 0; `nil` without a population.
  package func populationNode(_ number: Int) -> PopulationNode? { population?.node(number) }

  /// The running containers of this node of the population.
  package func runningContainers(onNode number: Int) -> [PopulationNode.Container] {
    population?.runningContainers(onNode: number) ?? []
  }

  /// Changes random pods of the population at this rate until the task is cancelled.
  package func churn(eventsPerSecond: Int) async throws {
    guard let population else { return }
    let clock = ContinuousClock()
    let started = clock.now
    var random = SplitMix64(seed: 1)
    var events = 0
    while true {
      // A real API server sends each event at once, and waking up for it is part of what an event costs a client.
      try await Task.sleep(for: .milliseconds(1))
      let due = Int((clock.now - started) / .seconds(1) * Double(eventsPerSecond))
      // Replacing a pod makes two events; the next iteration compensates for the extra one.
      try cluster.write { (store) throws(APIFailure) in
        for _ in events..<max(events, due) where events < due { events += population.change(in: &store, &random) }
      }
    }
  }

  // MARK: Faults and counts

  /// Drops all history, as etcd's compaction does: watches and continued lists from older versions get 410.
  package func compact() {
    cluster.compact()
  }

  /// Ends every open watch, as a server that restarts does.
  package func dropWatches() {
    cluster.dropWatches()
  }

  /// The number of open watches.
  package var watchCount: Int { cluster.watchCount }

  /// Drops fields from objects that are written from now on, as a server with an older CRD does.
  /// - Parameters:
  ///   - fields: paths such as `spec.serviceDiscoveryRole`; empty to drop none.
  ///   - resource: the plural with its API group.
  /// - Throws: `APIFailure` 404 for an unknown resource.
  package func prune(_ fields: [String], of resource: String) throws(APIFailure) {
    let kind = try kind(resource).storage
    try cluster.write { (store) throws(APIFailure) in
      store.prune(fields.map { $0.split(separator: ".").map(String.init) }, of: kind)
    }
  }

  /// Removes the definition of a custom resource, and with it its objects: open watches see them deleted and end, and requests get 404.
  /// Discovery still lists it.
  /// - Parameter resource: the plural with its API group.
  /// - Throws: `APIFailure` 404 for an unknown resource.
  package func removeDefinition(of resource: String) throws(APIFailure) {
    let kind = try kind(resource).storage
    let context = WriteContext(now: Date(), part: .everything)
    try cluster.write { (store) throws(APIFailure) in try store.removeDefinition(of: kind, context: context) }
  }

  /// Restores a removed definition, without the objects.
  package func restoreDefinition(of resource: String) throws(APIFailure) {
    let kind = try kind(resource).storage
    try cluster.write { (store) throws(APIFailure) in store.restoreDefinition(of: kind) }
  }

  /// Rejects the next requests that match. Rejections are used in the order of these calls.
  package func rejectNext(_ rejection: Rejection) {
    faults.add(rejection)
  }

  /// The number of requests received, including the rejected ones.
  /// - Parameters:
  ///   - verb: `nil` counts all verbs.
  ///   - resource: the plural with its API group, such as `endpointslices.discovery.k8s.io`; `nil` counts all resources.
  package func requestCount(_ verb: Verb? = nil, _ resource: String? = nil) -> Int {
    faults.requestCount(verb, resource)
  }

  /// The number of write requests received, including the rejected ones.
  package func writeCount(_ resource: String? = nil) -> Int {
    Verb.allCases.filter(\.isWrite).reduce(0) { $0 + faults.requestCount($1, resource) }
  }
}

/// The reason why a simulated server does not listen.
package enum SimulatorError: Error, CustomStringConvertible {
  case stopped

  package var description: String { "the simulated API server has stopped and does not listen" }
}

/// Settings of a simulated API server.
package struct SimulatorConfiguration: Sendable {
  /// The address to listen on.
  package var host = "127.0.0.1"
  /// The port to listen on; 0 takes a free one.
  package var port = 0
  /// Whether EndpointSlices may have loopback addresses, which a real server rejects. The demo's exporters only have such addresses.
  package var acceptsLoopbackEndpoints = false
  /// Whether the cluster has IPv6 first and IPv4 second: for Services, and for the addresses of a population's nodes. Otherwise it has IPv4
  /// only.
  package var isIPv6First = false
  /// The bearer token that requests must have; without one every request is allowed.
  package var bearerToken: String?
  /// The number of changes kept of each kind for watches and continued lists.
  package var eventHistory = 20_000
  /// Generated nodes and pods that exist from the start.
  package var population: PopulationSize?
  /// The interval of bookmarks on a watch with `allowWatchBookmarks`. A real server sends one about every minute.
  package var bookmarkInterval: Duration = .seconds(60)

  package init(
    host: String = "127.0.0.1", port: Int = 0, acceptsLoopbackEndpoints: Bool = false, bearerToken: String? = nil
  ) {
    self.host = host
    self.port = port
    self.acceptsLoopbackEndpoints = acceptsLoopbackEndpoints
    self.bearerToken = bearerToken
  }
}
