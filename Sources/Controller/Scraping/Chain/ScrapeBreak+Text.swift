internal import Primitives
internal import Relabeling

// What people read about a broken link. Nothing decides by these texts.

extension ScrapeBreak {
  /// What is missing, and by name: the label, the port, the rule or the scraper's own error.
  package var detail: String {
    switch self {
    case .objects(let link): link.detail
    case .rejected(let rejection, let name): "the operator refuses it for \(name): \(rejection.message)"
    case .notLoaded(let name, let pool, let age):
      age.map { "\(name) has no scrape pool \(pool); it loaded its configuration \($0.inWholeSeconds.text) ago" }
        ?? "\(name) has no scrape pool \(pool)"
    case .dropped(let rule, let name): "\(name) drops the target: \(rule.detail)"
    case .notDiscovered(let target, let name): "\(name) has no such target: \(target.detail)"
    case .scrapeFailing(let failure, let name):
      "\(name), \(failure.kind.rawValue)\(failure.message.isEmpty ? "" : ": \(failure.message)")"
    case .staleScrape(nil, _, let name): "\(name) has the target and has never scraped it"
    case .staleScrape(let age?, let interval, let name):
      "\(name) scraped it \(age.inWholeSeconds.text) ago\(interval.map { ", with an interval of \($0.inWholeSeconds.text)" } ?? "")"
    case .noSamples(let name): "\(name) scrapes it, and metricRelabelings drop every sample"
    }
  }
}

extension BrokenLink {
  package var detail: String {
    switch self {
    case .noMonitor(let ports): "no monitor selects the pod, which declares \(ports.text)"
    case .portNotFound(let port): port.detail
    case .noEndpoint(let endpoint): endpoint.detail
    case .monitorNotAdopted(let refusals):
      refusals.map { "\($0.prometheus): \($0.cause.detail)" }.joined(separator: "; ")
    }
  }
}

extension MissingPort {
  fileprivate var detail: String {
    let declares = declared.isEmpty ? "the containers declare no port" : "the containers declare \(declared.text)"
    return switch place {
    case .service(let name, let ports):
      "the monitor names \(wanted.text), and Service \(name) has \(ports.isEmpty ? "no port" : ports.joined(separator: ", "))"
    case .serviceTargetPort(let name, let port): "Service \(name) leads to the port \(port), and \(declares)"
    case .containers: "the monitor names \(wanted.text), and \(declares)"
    }
  }
}

extension PortReference {
  fileprivate var text: String {
    switch self {
    case .name(let name), .containerPortName(let name): "the port \"\(name)\""
    case .containerPortNumber(let number): "the port \(number)"
    case .any: "any port"
    }
  }
}

extension [DeclaredPort] {
  fileprivate var text: String {
    map { "\($0.number)\($0.name.isEmpty ? "" : " (\($0.name))") in \($0.container)" }.joined(separator: ", ")
  }
}

extension MissingEndpoint {
  fileprivate var detail: String {
    switch cause {
    case .externalName: "Service \(service) is of type ExternalName and has no pods"
    case .notInSlices: "no EndpointSlice of Service \(service) has the pod"
    case .otherFamily: "only EndpointSlices of the other IP family than the first of Service \(service) have the pod"
    case .sliceOnly: "Service \(service) has EndpointSlices without Endpoints, which the role Endpoints does not see"
    case .terminating: "the pod is terminating, which removes it from the Endpoints of Service \(service)"
    case .sliceLabels: "the EndpointSlice of Service \(service) lacks the labels that selectorMechanism RoleSelector demands"
    }
  }
}

extension MonitorRefusal.Cause {
  fileprivate var detail: String {
    switch self {
    case .noSelector: "it has no selector for monitors of this kind"
    case .labels(let requirement): "it wants monitors with \(requirement.text)"
    case .namespaceLabels(let requirement): "it wants monitors of namespaces with \(requirement.text)"
    case .otherNamespace: "it takes only monitors of its own namespace"
    case .namespaceSelectorIgnored: "ignoreNamespaceSelectors limits the monitor to its own namespace"
    }
  }
}

extension UnmetRequirement {
  /// The requirement and the actual label.
  package var text: String {
    let wanted =
      switch `operator` {
      case .isIn: values.count == 1 ? "the label \(key)=\(values[0])" : "a label \(key) of \(values.joined(separator: ", "))"
      case .isNotIn: "a label \(key) other than \(values.joined(separator: ", "))"
      case .exists: "a label \(key)"
      case .doesNotExist: "no label \(key)"
      }
    return "\(wanted), and it is \(actual.map { "\"\($0)\"" } ?? "not set")"
  }
}

extension DroppingRule {
  fileprivate var detail: String {
    let judge =
      switch judge {
      case .scraper: ""
      case .rollcall: ", by Rollcall's evaluation of its configuration"
      }
    return "relabel rule \(index): \(rule.text)\(judge)"
  }
}

extension RelabelRule {
  fileprivate var text: String {
    var text = "\(action.rawValue) on [\(sourceLabels.joined(separator: ", "))]"
    switch action {
    case .keepequal, .dropequal: text += " and \(targetLabel)"
    default: text += ", regex \(regex)"
    }
    return text
  }
}

extension MissingTarget {
  fileprivate var detail: String {
    switch cause {
    case .keptWithoutTarget: "its rules keep it; the address, the scheme or the interval may be invalid, see its log"
    case .forbidden(let resources): "its service account may not list \(resources.joined(separator: ", ")) in the namespace"
    case .untold: droppedCount.map { "it has dropped \($0) targets of the pool and does not say which" } ?? "it does not say why"
    }
  }
}

extension UnknownScrape {
  package var detail: String {
    switch self {
    case .notReached(let name): "\(name) cannot be asked"
    case .shardsNotReached(let name, let shards):
      "\(name) cannot be asked on shard \(shards.map { "\($0)" }.joined(separator: ", "))"
    case .adoption(.notDeclared): "no object says which scraper follows it"
    case .adoption(.noPrometheus): "no Prometheus object is known"
    case .adoption(.unmanaged(let prometheuses)):
      "\(prometheuses.map { "\($0)" }.joined(separator: ", ")) has no selector: its configuration is not the operator's"
    case .decidedByRelabelling(let monitor): "the relabelings of \(monitor) decide which pods it wants"
    case .noScrapers: "no scraper is known"
    }
  }
}

extension ScrapeRequest {
  /// What asks, by kind and name.
  package var text: String {
    switch self {
    case .monitor(let monitor, let endpoint, let service):
      "\(monitor)\(endpoint > 0 ? ", endpoint \(endpoint)" : "")\(service.map { ", Service \($0)" } ?? "")"
    case .discovery(let monitor): "\(monitor)"
    case .annotations(let service): service.map { "annotations of Service \($0)" } ?? "annotations"
    case .portName: "port name"
    }
  }
}
