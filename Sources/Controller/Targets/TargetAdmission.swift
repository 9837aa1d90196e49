import Roll

/// Why a target is not among those that Prometheus gets.
package enum TargetRefusal: Hashable, Sendable, CustomStringConvertible {
  /// The API server knows no address of the node.
  case noAddress
  /// A host name, or something that is no address at all: endpoints are IP addresses.
  case notAnIPAddress(String)
  /// An address that the API server refuses in an EndpointSlice, and of which kind it is.
  case specialAddress(String, kind: String)
  /// Another target is at the same address, port and path: samples of one would be taken for the other's.
  case shared(address: String, with: String)

  package var description: String {
    switch self {
    case .noAddress: "it has no address"
    case .notAnIPAddress(let text): "its address \"\(text)\" is not an IP address"
    case .specialAddress(let text, let kind): "its address \(text) is \(kind), which an EndpointSlice may not have"
    case .shared(let address, let other): "its address \(address) is also that of \(other)"
    }
  }
}

/// A target that is left out, and why. It costs nobody else anything (R35).
package struct RefusedTarget: Hashable, Sendable {
  package var target: Target
  package var refusal: TargetRefusal
}

/// A target with an address that an EndpointSlice may have.
struct AdmittedTarget: Hashable, Sendable {
  var identity: EndpointIdentity
  var node: String
  var address: IPAddress
  var ready: Bool
  var endpoint: ScrapeEndpoint
}

/// What an endpoint stands for, through changes of its address.
struct EndpointIdentity: Hashable, Comparable, Sendable {
  var node: String

  init(node: String) {
    self.node = node
  }

  init(_ target: Target) {
    node = target.node
  }

  var text: String { "node \(node)" }

  static func < (left: EndpointIdentity, right: EndpointIdentity) -> Bool { left.node < right.node }
}

/// Sorts the targets of one source into those that can be published and those that cannot. Both come in the order of their identity.
func admit(_ targets: [Target], allowsLoopback: Bool) -> (admitted: [AdmittedTarget], refused: [RefusedTarget]) {
  struct Socket: Hashable {
    var address: IPAddress
    /// Of the endpoint, among those that there are.
    var endpoint: Int
  }
  var endpoints: [ScrapeEndpoint] = []
  func number(of endpoint: ScrapeEndpoint) -> Int {
    if let known = endpoints.firstIndex(of: endpoint) { return known }
    endpoints.append(endpoint)
    return endpoints.count - 1
  }

  var candidates = targets.map { (target: $0, identity: EndpointIdentity($0), refusal: TargetRefusal?.none, address: IPAddress?.none) }
  // Rolls come in the order of their nodes, so that there is mostly nothing to sort.
  candidates.sort { $0.identity < $1.identity }
  var holders: [Socket: Int] = [:]
  holders.reserveCapacity(candidates.count)
  // Of two nodes at one address the ready one is more likely to be there: a node made anew under another name leaves the old one
  // behind, not ready, for some minutes. Between equals the name decides, so that the choice stays.
  for ready in [true, false] {
    for index in candidates.indices where candidates[index].target.ready == ready {
      let target = candidates[index].target
      guard !target.address.isEmpty else {
        candidates[index].refusal = .noAddress
        continue
      }
      guard let address = IPAddress(target.address) else {
        candidates[index].refusal = .notAnIPAddress(target.address)
        continue
      }
      if let special = address.special, !(special == .loopback && allowsLoopback) {
        candidates[index].refusal = .specialAddress(target.address, kind: special.rawValue)
        continue
      }
      let socket = Socket(address: address, endpoint: number(of: target.endpoint))
      // The pages of virtual nodes are all at our own address, and told apart by a parameter.
      if target.source != .virtual, let holder = holders[socket] {
        candidates[index].refusal = .shared(address: target.address, with: candidates[holder].identity.text)
        continue
      }
      holders[socket] = index
      candidates[index].address = address
    }
  }
  var admitted: [AdmittedTarget] = []
  admitted.reserveCapacity(candidates.count)
  var refused: [RefusedTarget] = []
  for (target, identity, refusal, address) in candidates {
    if let refusal { refused.append(RefusedTarget(target: target, refusal: refusal)) }
    guard let address else { continue }
    admitted.append(
      AdmittedTarget(identity: identity, node: target.node, address: address, ready: target.ready, endpoint: target.endpoint))
  }
  return (admitted, refused)
}

extension Target {
  fileprivate var endpoint: ScrapeEndpoint { ScrapeEndpoint(scheme: scheme, port: port, path: path) }
}
