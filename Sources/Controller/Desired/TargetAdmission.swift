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
enum EndpointIdentity: Hashable, Comparable, Sendable {
  case node(String)
  case pod(namespace: String, name: String)

  init(_ target: Target) {
    self = target.pod.map { .pod(namespace: $0.namespace, name: $0.name) } ?? .node(target.node)
  }

  var text: String {
    switch self {
    case .node(let name): "node \(name)"
    case .pod(let namespace, let name): "pod \(namespace)/\(name)"
    }
  }
}

/// Sorts the targets of one source into those that can be published and those that cannot. Both come in the order of their identity.
func admit(_ targets: [Target], allowsLoopback: Bool) -> (admitted: [AdmittedTarget], refused: [RefusedTarget]) {
  struct Place: Hashable {
    var address: IPAddress
    var endpoint: ScrapeEndpoint
  }
  var admitted: [AdmittedTarget] = []
  var refused: [RefusedTarget] = []
  var holders: [Place: EndpointIdentity] = [:]
  // Of two nodes at one address the ready one is more likely to be there: a node made anew under another name leaves the old one
  // behind, not ready, for some minutes. Between equals the name decides, so that the choice stays.
  let order = targets.map { (target: $0, identity: EndpointIdentity($0)) }
    .sorted { ($0.target.ready ? 0 : 1, $0.identity) < ($1.target.ready ? 0 : 1, $1.identity) }
  for (target, identity) in order {
    let endpoint = ScrapeEndpoint(scheme: target.scheme, port: target.port, path: target.path)
    func refuse(_ refusal: TargetRefusal) { refused.append(RefusedTarget(target: target, refusal: refusal)) }

    guard !target.address.isEmpty else {
      refuse(.noAddress)
      continue
    }
    guard let address = IPAddress(target.address) else {
      refuse(.notAnIPAddress(target.address))
      continue
    }
    if let special = address.special, !(special == .loopback && allowsLoopback) {
      refuse(.specialAddress(target.address, kind: special.rawValue))
      continue
    }
    let place = Place(address: address, endpoint: endpoint)
    if let holder = holders[place] {
      refuse(.shared(address: target.address, with: holder.text))
      continue
    }
    holders[place] = identity
    admitted.append(AdmittedTarget(identity: identity, node: target.node, address: address, ready: target.ready, endpoint: endpoint))
  }
  admitted.sort { $0.identity < $1.identity }
  refused.sort { EndpointIdentity($0.target) < EndpointIdentity($1.target) }
  return (admitted, refused)
}
