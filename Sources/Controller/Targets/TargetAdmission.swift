internal import Primitives
import Roll

/// Why a target is not published.
package enum TargetRefusal: Hashable, Sendable, CustomStringConvertible {
  /// The Node has no address.
  case noAddress
  /// A host name or an invalid address. Endpoints need IP addresses.
  case notAnIPAddress(String)
  /// An address of a kind that the API server refuses in an EndpointSlice.
  case specialAddress(String, kind: String)
  /// Another target has the same address, port and path. Their samples could not be told apart.
  case shared(address: String, with: String)

  package var description: String {
    switch self {
    case .noAddress: "no address"
    case .notAnIPAddress(let text): "the address \"\(text)\" is not an IP address"
    case .specialAddress(let text, let kind): "the address \(text) is \(kind), which is not allowed in an EndpointSlice"
    case .shared(let address, let other): "the address \(address) is also used by \(other)"
    }
  }
}

/// A target that is not published, and why. Other targets are not affected (R35).
package struct RefusedTarget: Hashable, Sendable {
  package var target: Target
  package var refusal: TargetRefusal
}

/// A target with an address that is allowed in an EndpointSlice.
struct AdmittedTarget: Hashable, Sendable {
  var identity: EndpointIdentity
  var node: String
  var address: IPAddress
  var ready: Bool
  var endpoint: ScrapeEndpoint
}

/// The identity of an endpoint, which survives changes of its address.
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

/// Divides the targets of one source into those that can be published and those that cannot. Both are sorted by identity.
func admit(_ targets: [Target], allowsLoopback: Bool) -> (admitted: [AdmittedTarget], refused: [RefusedTarget]) {
  struct Socket: Hashable {
    var address: IPAddress
    /// The endpoint's index in `endpoints`.
    var endpoint: Int
  }
  var endpoints: [ScrapeEndpoint] = []
  func endpointIndex(of endpoint: ScrapeEndpoint) -> Int {
    if let known = endpoints.firstIndex(of: endpoint) { return known }
    endpoints.append(endpoint)
    return endpoints.count - 1
  }

  var candidates = targets.map { (target: $0, identity: EndpointIdentity($0), refusal: TargetRefusal?.none, address: IPAddress?.none) }
  // Usually sorted already, since rolls are sorted by node.
  candidates.sort { $0.identity < $1.identity }
  var holders: [Socket: Int] = [:]
  holders.reserveCapacity(candidates.count)
  // Of two nodes with one address, the ready one is more likely to have it: a node that is recreated under a new name leaves the old one
  // behind, not ready, for some minutes. Between equals the name decides, so the choice is stable.
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
      let socket = Socket(address: address, endpoint: endpointIndex(of: target.endpoint))
      // All virtual nodes are served at the controller's address, and a parameter selects the node.
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
