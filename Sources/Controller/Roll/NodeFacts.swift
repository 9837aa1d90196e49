internal import Collector
package import KubeClient
internal import Primitives
package import Roll

/// How a Node's containers are collected, from its spec, status, labels and annotations.
package struct NodeFacts: Hashable, Sendable {
  package var source: Source
  package var address: String?
  /// Where the node answers; `nil` for a virtual node, whose pods answer themselves, and without an address.
  var endpoint: NodeEndpoint?
  package var ready: Bool
  /// Why all containers of the node are exempt.
  package var exemption: Exemption?
  /// Problems with the node, for display. A note alone does not change how the node is collected.
  package var notes: [String]

  package init(_ node: NodeRecord, settings: RollSettings, rules: ExemptionRules = ExemptionRules()) {
    let (labels, annotations) = (node.labels, node.annotations)
    notes = []
    ready = node.ready ?? true

    let reported = node.operatingSystem.isEmpty ? labels["kubernetes.io/os"] ?? "" : node.operatingSystem
    if settings.virtualNodes.matchAny(labels) {
      source = .virtual
    } else if reported == "windows" {
      source = .windows
    } else {
      source = .linux
      if reported != "linux" {
        notes.append(
          reported.isEmpty
            ? "the node reports no operating system; assuming linux" : "unknown operating system \"\(reported)\"; assuming linux")
      }
    }

    switch source {
    case .linux: break
    case .windows: notes += WindowsNode(annotations, limits: settings.annotations).notes
    case .virtual: notes += VirtualNode(node, configured: VirtualEndpoint(), limits: settings.annotations).notes
    }

    if annotations[Annotations.ignore] == "true" || settings.exemptions.ignoredNodes.matchAny(labels) {
      exemption = .ignored
    } else if source == .linux, !rules.expectsAgent(onNode: node.name, labels: labels, annotations: annotations) {
      exemption = .noAgentExpected
    }

    let override = annotations[Annotations.address] ?? ""
    if !override.isEmpty, !isHost(override) {
      notes.append("annotation \(Annotations.address): \"\(override)\" is neither an IP address nor a DNS name")
    } else if !override.isEmpty, settings.annotations.allow(override, ofNode: node.addresses) {
      address = override
    } else {
      if !override.isEmpty {
        notes.append(
          Annotations.refusal(
            "annotation \(Annotations.address)", override, accepted: "an address in the Node's status or of --annotation-addresses"))
      }
      address = Self.bestAddress(of: node.addresses, allowsLoopback: settings.allowsLoopback)
      // The pods of a virtual node are collected at their own addresses.
      if address == nil, source != .virtual, exemption == nil {
        let unusable = node.addresses.map { "\($0.type) \($0.address)" }.joined(separator: ", ")
        notes.append(
          "the node has no usable address\(unusable.isEmpty ? "" : " (\(unusable))"); set annotation \(Annotations.address)")
      }
    }
    if source != .virtual, let address {
      let port = source == .windows ? annotations[Annotations.windowsPort].flatMap(Int.init) : nil
      endpoint = NodeEndpoint(source: source, address: address, port: port.flatMap { settings.annotations.ports.contains($0) ? $0 : nil })
    }
  }

  /// The first usable address of the preferred type: internal before external before host names. The kubelet lists the cluster's primary
  /// family first.
  private static func bestAddress(of addresses: [NodeAddress], allowsLoopback: Bool) -> String? {
    ["InternalIP", "ExternalIP", "InternalDNS", "Hostname", "ExternalDNS"].lazy.compactMap { type in
      addresses.first { $0.type == type && $0.isUsable(allowsLoopback: allowsLoopback) }?.address
    }.first
  }
}

/// Where a node answers. Two nodes with one endpoint are one machine under two names.
struct NodeEndpoint: Hashable {
  var source: Source
  var address: String
  /// The Node's own port; `nil` for the settings' port.
  var port: Int?
}

extension NodeAddress {
  /// Whether other machines reach the node there. An address that only the node itself reaches, such as a link-local one, leads from here
  /// to another machine or to this one.
  fileprivate func isUsable(allowsLoopback: Bool) -> Bool {
    guard isHost(address) else { return false }
    guard let special = IPAddress(address)?.special else { return true }
    return special == .loopback && allowsLoopback
  }
}
