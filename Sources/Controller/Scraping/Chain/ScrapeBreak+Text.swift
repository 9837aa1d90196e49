internal import Relabeling
internal import Roll

// What there is to say about a broken link, the same in gaps, alerts, Events and the API.

extension ScrapeBreak {
  /// What was found, on one line: the label that differs, the port that is missing, the rule, or the scraper's own words.
  package var detail: String {
    switch self {
    case .objects(let link): link.detail
    case .rejected(let rejection, let name): "the operator refuses the monitor for \(name): \(singleLine(rejection.message))"
    case .notLoaded(let name, let pool, let age, let obstacle):
      "no process of \(name) has the scrape pool \(pool)"
        + (age.map { "; the latest configuration was loaded \($0.inWholeSeconds.text) ago" } ?? "")
        + (obstacle.map { "; \($0.detail)" } ?? "")
    case .dropped(let rule, let name):
      "\(name) drops the target by relabel rule \(rule.index) of the scrape pool: \(singleLine(rule.rule.description))"
        + (rule.judge == .rollcall ? " (as Rollcall evaluates its configuration)" : "")
    case .notDiscovered(let missing, let name): missing.detail(of: name)
    case .scrapeFailing(let failure, let name):
      "\(name): \(failure.kind.rawValue)" + (failure.message.isEmpty ? "" : ": \(singleLine(failure.message))")
    case .staleScrape(let age, let interval, let name):
      (age.map { "\(name) scraped it \($0.inWholeSeconds.text) ago" } ?? "\(name) has the target and has not scraped it yet")
        + (interval.map { ", although its interval is \($0.text)" } ?? "")
    case .noSamples(let name): "\(name) scrapes it, and metric relabelling drops every sample"
    }
  }

  /// The first thing to do about it.
  package var advice: String {
    switch self {
    case .objects(let link): link.advice
    case .rejected: "Correct what the operator names; until then the whole monitor is left out."
    case .notLoaded(let name, _, _, .paused): "Set paused: false in \(name)."
    case .notLoaded(_, _, _, .failed): "Correct what the operator names; until then it changes no configuration of this Prometheus."
    case .notLoaded(_, _, let age, nil):
      age == nil
        ? "Check prometheus_config_last_reload_successful and the log of the container config-reloader."
        : "Check prometheus_config_last_reload_successful, prometheus_target_scrape_pools_failed_total and Prometheus's log."
    case .dropped:
      "Change the rule in the monitor's relabelings, or what the rule looks at. The first rules of a pool are the operator's own."
    case .notDiscovered(let missing, _): missing.advice
    case .scrapeFailing(let failure, _): failure.kind.advice
    case .staleScrape: "Check the load, the log and the clock of the scraper."
    case .noSamples: "Check the monitor's metricRelabelings."
    }
  }
}

extension ReconcileObstacle {
  fileprivate var detail: String {
    switch self {
    case .paused: "the object is paused, so the operator leaves its configuration as it is"
    case .failed(let message): "the operator cannot reconcile the object: \(singleLine(message))"
    }
  }
}

extension BrokenLink {
  fileprivate var detail: String {
    switch self {
    case .noMonitor(let ports):
      "no monitor selects the Pod and no annotation asks for a scrape"
        + (ports.isEmpty ? "" : "; by their names these ports serve metrics: \(list(ports.map(\.text)))")
    case .portNotFound(let missing): missing.detail
    case .noEndpoint(let missing): missing.detail
    case .monitorNotAdopted(let refusals): list(refusals.map(\.detail), separator: "; ")
    }
  }

  fileprivate var advice: String {
    switch self {
    case .noMonitor: "Create a ServiceMonitor or PodMonitor that selects the Pod, or change the labels so that one does."
    case .portNotFound(let missing):
      switch missing.place {
      case .service: "Name a port of the Service in the monitor, or add the port to the Service."
      case .serviceTargetPort: "Declare the target port of the Service in the container, by that name."
      case .containers: "Name a port that a container declares in the monitor, or declare the port in the container."
      }
    case .noEndpoint(let missing): missing.advice
    case .monitorNotAdopted(let refusals):
      refusals.lazy.compactMap(\.advice).first ?? "Compare the monitor with the selectors of the Prometheus objects."
    }
  }
}

extension ScrapeRequest {
  /// What asks for the scrape.
  package var text: String {
    switch self {
    case .monitor(let monitor, let endpoint, _): "\(monitor), endpoint \(endpoint)"
    case .discovery(let monitor): "\(monitor)"
    case .annotations(nil): "annotations of the Pod"
    case .annotations(let service?): "annotations of Service \(service)"
    case .portName: "the name of a port"
    }
  }
}

// MARK: Ports and endpoints

extension DeclaredPort {
  fileprivate var text: String { "\(name.isEmpty ? "" : "\(name) ")\(number) of container \(container)" }
}

extension PortReference {
  fileprivate var text: String {
    switch self {
    case .name(let name): "port \(name)"
    case .containerPortName(let name): "target port \(name)"
    case .containerPortNumber(let number): "port \(number)"
    case .any: "port"
    }
  }
}

extension MissingPort {
  fileprivate var detail: String {
    switch place {
    case .service(let service, let ports):
      "Service \(service) has no \(wanted.text); it has \(ports.isEmpty ? "no ports" : list(ports.map { $0.isEmpty ? "one without a name" : $0 }))"
    case .serviceTargetPort(let service, let target):
      "the \(wanted.text) of Service \(service) leads to the container port \(target), which no container declares; \(declaredText)"
    case .containers: "no container declares the \(wanted.text); \(declaredText)"
    }
  }

  private var declaredText: String { declared.isEmpty ? "none declares any" : "declared: \(list(declared.map(\.text)))" }
}

extension MissingEndpoint {
  fileprivate var detail: String {
    switch cause {
    case .externalName: "Service \(service) is of type ExternalName, which has no endpoints"
    case .notInSlices: "no EndpointSlice of Service \(service) has the Pod"
    case .otherFamily: "only EndpointSlices of another IP family than the first of Service \(service) have the Pod"
    case .sliceOnly:
      "Service \(service) has the Pod in an EndpointSlice without an Endpoints object, which the role \(role.rawValue) does not see"
    case .terminating: "the Pod is terminating, which takes it out of the Endpoints of Service \(service)"
    case .sliceLabels: "the EndpointSlices of Service \(service) lack the labels that selectorMechanism: RoleSelector demands of them"
    }
  }
}

extension MissingEndpoint {
  fileprivate var advice: String {
    switch cause {
    case .externalName: "Use a Service with a selector, or a PodMonitor."
    case .notInSlices:
      "Compare the Service's selector with the Pod's labels, and see kubectl get endpointslices -l kubernetes.io/service-name=\(service)."
    case .otherFamily: "Order the Service's ipFamilies so that the first is one that the Pod has, or use a PodMonitor."
    case .sliceOnly: "Set serviceDiscoveryRole: EndpointSlice in the monitor or in the Prometheus object."
    case .terminating: "Nothing, if the Pod is meant to end; with serviceDiscoveryRole: EndpointSlice it is scraped to its end."
    case .sliceLabels: "Set selectorMechanism: RelabelConfig, or put the Service's labels on the slices."
    }
  }
}

// MARK: Adoption

extension MonitorRefusal {
  fileprivate var detail: String {
    let reason =
      switch cause {
      case .noSelector: "has no selector for monitors of this kind"
      case .labels(let unmet): "wants monitors with \(unmet.text), and this one \(unmet.actualText)"
      case .namespaceLabels(let unmet): "wants monitors from namespaces with \(unmet.text), and this one \(unmet.actualText)"
      case .otherNamespace: "takes only monitors of its own namespace"
      case .namespaceSelectorIgnored: "ignores the monitor's namespaceSelector, and the Pod is in another namespace than the monitor"
      }
    return "\(prometheus) \(reason)"
  }

  /// `nil` if another Prometheus object has better advice.
  fileprivate var advice: String? {
    switch cause {
    case .labels(let unmet) where unmet.operator == .isIn && unmet.values.count == 1:
      "Add the label \(unmet.key): \(unmet.values[0]) to the monitor, or change the selector of \(prometheus)."
    case .labels: "Change the labels of the monitor, or the selector of \(prometheus)."
    case .namespaceLabels(let unmet) where unmet.operator == .isIn && unmet.values.count == 1:
      "Add the label \(unmet.key): \(unmet.values[0]) to the monitor's namespace, or change the namespace selector of \(prometheus)."
    case .namespaceLabels, .otherNamespace: "Change the namespace selector of \(prometheus), or move the monitor."
    case .namespaceSelectorIgnored: "Put a monitor into the Pod's namespace, or set ignoreNamespaceSelectors: false in \(prometheus)."
    case .noSelector: nil
    }
  }
}

extension UnmetRequirement {
  /// As in a label selector of kubectl.
  var text: String {
    switch self.operator {
    case .isIn: values.count == 1 ? "\(key)=\(values[0])" : "\(key) in (\(list(values)))"
    case .isNotIn: values.count == 1 ? "\(key)!=\(values[0])" : "\(key) notin (\(list(values)))"
    case .exists: "the label \(key)"
    case .doesNotExist: "no label \(key)"
    }
  }

  /// What the object has, as a predicate.
  var actualText: String { actual.map { "has \(key)=\($0)" } ?? "has no label \(key)" }
}

extension NearestMonitor {
  /// What keeps the monitor from selecting the Pod.
  package var detail: String {
    switch difference {
    case .podLabel(let unmet): "\(monitor) wants Pods with \(unmet.text), and this one \(unmet.actualText)"
    case .serviceLabel(let service, let unmet): "\(monitor) wants Services with \(unmet.text), and Service \(service) \(unmet.actualText)"
    case .serviceSelector(let service, let unmet):
      "\(monitor) selects Service \(service), which wants Pods with \(unmet.text), and this one \(unmet.actualText)"
    case .namespace: "\(monitor) does not look in the Pod's namespace"
    }
  }
}

// MARK: Targets

extension MissingTarget {
  fileprivate func detail(of name: String) -> String {
    let dropped = droppedCount.map { " (the pool has dropped \($0) targets)" } ?? ""
    return switch cause {
    case .keptWithoutTarget: "the relabel rules of \(name) keep the target, and there is none"
    case .forbidden(let resources): "the service account of \(name) may not list \(list(resources)) in the Pod's namespace"
    case .untold: "\(name) has the scrape pool and not the target\(dropped)"
    }
  }

  fileprivate var advice: String {
    switch cause {
    case .keptWithoutTarget:
      "Check prometheus_target_sync_failed_total and the log for \"Creating target failed\": an address, or an interval below the timeout."
    case .forbidden: "Give the service account a Role for these resources in the Pod's namespace."
    case .untold: "Compare the discovered labels on Prometheus's page Service Discovery with the monitor's relabelings."
    }
  }
}

extension ScrapeFailureKind {
  fileprivate var advice: String {
    switch self {
    case .refused: "Check that the container listens on the Pod's address at this port, and that a NetworkPolicy admits the scraper."
    case .timeout: "Check that a NetworkPolicy admits the scraper and how long the endpoint takes, or raise scrapeTimeout."
    case .tls: "Check scheme and tlsConfig of the monitor against what the container serves."
    case .unauthorized: "Check the credentials in the monitor, and what the container demands."
    case .notFound: "Check the monitor's path."
    case .badExposition: "Fetch the page by hand: is this the metrics port and path?"
    case .tooLarge: "Raise the limit that the message names, or have the container export less."
    case .tooManySamples: "Raise sampleLimit, or have the container export less."
    case .tooManyTargets: "Raise targetLimit, or have the monitor select fewer Pods: above the limit none of them is scraped."
    case .other: "See the message."
    }
  }
}

// MARK: What is unknown

extension UnknownScrape {
  /// Why nothing can be said.
  package var detail: String {
    switch self {
    case .notReached(let name): "no process of \(name) could be asked"
    case .shardsNotReached(let name, let shards): "these shards of \(name) could not be asked: \(list(shards.map(String.init)))"
    case .adoption(let unknown): unknown.detail
    case .decidedByRelabelling(let monitor): "\(monitor) discovers the Pod, and its relabelings decide whether it is kept"
    case .noScrapers: "no scraper of the Prometheus objects that have the monitor is known"
    }
  }
}

extension UnknownAdoption {
  package var detail: String {
    switch self {
    case .notDeclared: "no object says which scraper follows it"
    case .noPrometheus: "no Prometheus or PrometheusAgent object is known"
    case .unmanaged(let prometheuses):
      "no Prometheus object selects the monitor, but the configuration of \(list(prometheuses.map(\.description))) is not the operator's"
    }
  }
}

/// The most that one text lists.
private let maximumListed = 8

private func list(_ texts: [String], separator: String = ", ") -> String {
  texts.prefix(maximumListed).joined(separator: separator)
    + (texts.count > maximumListed ? "\(separator)and \(texts.count - maximumListed) more" : "")
}

/// Messages of others, which are shown in tables and logs.
private func singleLine(_ text: String) -> String {
  String(text.prefix(1000)).split(whereSeparator: \.isNewline).joined(separator: " ")
}
