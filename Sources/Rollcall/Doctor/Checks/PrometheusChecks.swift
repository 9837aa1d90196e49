internal import Controller
internal import JSON
internal import KubeClient

extension DoctorCheck {
  private static let managedBy = "app.kubernetes.io/managed-by"

  /// The ServiceMonitors of Rollcall: those that the controller writes, and its own.
  private static func monitors(_ facts: InstallationFacts) -> [JSONValue] {
    facts.items(.serviceMonitors).filter { $0.objectLabels[managedBy] == "rollcall.dev" || $0.objectName.hasPrefix("rollcall-") }
  }

  /// Why nothing about Prometheus objects can be said; `nil` if something can.
  private static func withoutPrometheus(_ facts: InstallationFacts) -> Finding? {
    if let problem = facts.list(.prometheuses).problem ?? facts.list(.serviceMonitors).problem { return .unknown(problem) }
    if case .absent = facts.list(.prometheuses) { return .notApplicable("there is no Prometheus Operator") }
    return facts.prometheuses.isEmpty ? .notApplicable("there is no Prometheus object") : nil
  }

  // MARK: Labels

  /// Whether a Prometheus selects our ServiceMonitors. Source: `selectObjects` in pkg/prometheus/resource_selector.go of the operator.
  static let releaseLabel = DoctorCheck(name: "labels of monitors") { facts in
    if let finding = withoutPrometheus(facts) { return [finding] }
    let monitors = monitors(facts)
    guard !monitors.isEmpty else { return [.notApplicable("there is no ServiceMonitor of Rollcall (--service-monitors)")] }
    let namespaceLabels = PackedLabels(
      facts.items(.namespaces).first { $0.objectName == facts.namespace }?.objectLabels ?? [
        "kubernetes.io/metadata.name": facts.namespace
      ])
    var findings: [String: (names: [String], fix: String)] = [:]
    var selected: Set<String> = []
    for monitor in monitors {
      var causes: [(text: String, fix: String)] = []
      for prometheus in facts.prometheuses where !prometheus.isUnmanaged {
        guard let selection = prometheus.selection(of: .serviceMonitor) else { continue }
        guard let cause = refusal(of: monitor, in: namespaceLabels, by: prometheus, selection, facts.namespace) else {
          selected.insert("\(prometheus.id)")
          causes = []
          break
        }
        causes.append(cause)
      }
      for cause in causes { findings[cause.text, default: ([], cause.fix)].names.append(monitor.objectName) }
    }
    if findings.isEmpty { return [.ok("\(listed(selected.sorted())) selects \(listed(monitors.map(\.objectName)))")] }
    return findings.sorted { $0.key < $1.key }.map { text, found in
      .mistake("no Prometheus selects \(listed(found.names.sorted())): \(text)", fix: found.fix)
    }
  }

  private static func refusal(
    of monitor: JSONValue, in namespaceLabels: PackedLabels, by prometheus: PrometheusRecord, _ selection: PrometheusRecord.Selection,
    _ namespace: String
  ) -> (text: String, fix: String)? {
    guard let selector = selection.monitors, selector.isValid else {
      return ("\(prometheus.id) has no serviceMonitorSelector", "Set serviceMonitorSelector of \(prometheus.id); {} selects all.")
    }
    if let unmet = selector.unmet(by: PackedLabels(monitor.objectLabels)).first {
      let label = "\(unmet.key)=\(unmet.values.first ?? "")"
      let fix =
        unmet.operator == .isIn
        ? "Set --service-monitor-labels \(label) (chart: serviceMonitor.additionalLabels, which labels the controller's own monitor, too)."
        : "Change serviceMonitorSelector of \(prometheus.id)."
      return ("\(prometheus.id) wants \(unmet.text)", fix)
    }
    guard let namespaces = selection.namespaces else {
      return prometheus.id.namespace == namespace
        ? nil
        : (
          "\(prometheus.id) looks in its own namespace only",
          "Set serviceMonitorNamespaceSelector of \(prometheus.id); {} selects all namespaces."
        )
    }
    guard let unmet = namespaces.unmet(by: namespaceLabels).first else { return nil }
    return (
      "\(prometheus.id) wants namespaces with \(unmet.text)",
      unmet.operator == .isIn
        ? "kubectl label namespace \(namespace) \(unmet.key)=\(unmet.values.first ?? "")"
        : "Change serviceMonitorNamespaceSelector of \(prometheus.id)."
    )
  }

  // MARK: The role of service discovery

  /// An API server drops fields that the CRD does not have.
  static let discoveryRole = DoctorCheck(name: "service discovery") { facts in
    if let finding = withoutPrometheus(facts) { return [finding] }
    let written = facts.items(.serviceMonitors).filter { $0.objectLabels[managedBy] == "rollcall.dev" }
    guard !written.isEmpty else { return [.notApplicable("the controller has written no ServiceMonitor")] }
    let without = written.filter { $0["spec"]?["serviceDiscoveryRole"]?.string != "EndpointSlice" }.map(\.objectName)
    if without.isEmpty { return [.ok("Prometheus looks for EndpointSlices")] }
    // The Prometheus object may have the field although the ServiceMonitor has not.
    let isSetElsewhere = facts.items(.prometheuses).allSatisfy { $0["spec"]?["serviceDiscoveryRole"]?.string == "EndpointSlice" }
    if isSetElsewhere { return [.ok("the Prometheus objects look for EndpointSlices; the CRD of ServiceMonitor is older than 0.86.0")] }
    return [
      .mistake(
        "the CRD dropped serviceDiscoveryRole of \(listed(without)): Prometheus looks for Endpoints, which Rollcall does not write",
        fix:
          "Upgrade Prometheus Operator to 0.86.0 or newer, with its CRDs (Helm does not upgrade those of a chart's crds/ folder); or set "
          + "serviceDiscoveryRole: EndpointSlice in the Prometheus object; or use HTTP service discovery with --service-monitors off.")
    ]
  }

  // MARK: The rights of Prometheus

  /// What service discovery lists in our namespace.
  static func rights(ofPrometheus account: String, in namespace: String) -> [InstallationFacts.Right] {
    [("", "services"), ("", "pods"), ("discovery.k8s.io", "endpointslices")].map { group, resource in
      InstallationFacts.Right(account: account, verb: "list", group: group, resource: resource, namespace: namespace)
    }
  }

  static let prometheusRole = DoctorCheck(name: "rights of Prometheus") { facts in
    if let finding = withoutPrometheus(facts) { return [finding] }
    var findings: [Finding] = []
    for prometheus in facts.prometheuses {
      let account = InstallationFacts.account(of: prometheus)
      let wanted = rights(ofPrometheus: account, in: facts.namespace)
      let missing = wanted.filter { facts.rights[$0]?.value == false }.map(\.resource)
      if !missing.isEmpty {
        findings.append(
          .mistake(
            "\(prometheus.id) may not list \(listed(missing)) in namespace \(facts.namespace), so it discovers nothing there",
            fix: "Bind a Role there to \(account): the component manifests/kube-prometheus (chart: kubePrometheus.enabled) has it."))
      } else if let problem = wanted.compactMap({ facts.rights[$0]?.problem }).first {
        findings.append(.unknown("what \(prometheus.id) may list: \(problem)"))
      }
    }
    return findings.isEmpty ? [.ok("every Prometheus may discover targets in namespace \(facts.namespace)")] : findings
  }

  // MARK: Limits

  static let scrapeLimits = DoctorCheck(name: "scrape limits") { facts in
    var findings: [Finding] = []
    if let controller = facts.controller.value {
      let tooLarge = controller.gaps.filter { $0["reason"]?.string == "TooLarge" }
      if !tooLarge.isEmpty {
        let pods = Set(tooLarge.map { "\($0["namespace"]?.string ?? "")/\($0["pod"]?.string ?? "")" }).sorted()
        findings.append(
          .mistake(
            "responses exceed a limit: \(listed(pods)) (\(tooLarge[0]["detail"]?.string ?? ""))",
            fix: "Drop families (--virtual-drop), or raise --label-limit, --label-length-limit, --service-monitor-sample-limit or "
              + "--service-monitor-body-limit."))
      }
    }
    for object in facts.items(.prometheuses) {
      guard let limit = object["spec"]?["enforcedTargetLimit"]?.integer, limit > 0 else { continue }
      let targets = targetsByMonitor(facts).filter { Int64($0.value) > limit }.sorted { $0.key < $1.key }
      for (service, count) in targets {
        findings.append(
          .mistake(
            "\(service) has \(count) targets, and enforcedTargetLimit of Prometheus \(object.objectNamespace)/\(object.objectName) is \(limit): "
              + "Prometheus scrapes none of them",
            fix: "Raise enforcedTargetLimit."))
      }
    }
    if !findings.isEmpty { return findings }
    if let problem = facts.controller.problem { return [.unknown(problem)] }
    return [.ok("no limit is reached")]
  }

  /// The endpoints of each of our Services.
  private static func targetsByMonitor(_ facts: InstallationFacts) -> [String: Int] {
    Dictionary(
      facts.items(.endpointSlices).filter { $0.objectLabels["endpointslice.kubernetes.io/managed-by"] == "rollcall.dev" }.map {
        ($0.objectLabels["kubernetes.io/service-name"] ?? "", $0["endpoints"]?.array?.count ?? 0)
      }, uniquingKeysWith: +)
  }

  // MARK: windows_exporter

  static let exporterCollectors = DoctorCheck(name: "windows_exporter") { facts in
    guard let controller = facts.controller.value else { return [.unknown(facts.controller.problem ?? "the controller was not asked")] }
    guard facts.items(.nodes).contains(where: { $0["status"]?["nodeInfo"]?["operatingSystem"]?.string == "windows" }) else {
      return [.notApplicable("there are no Windows nodes")]
    }
    func nodes(_ reason: String) -> [String] {
      Set(
        controller.gaps.filter { $0["reason"]?.string == reason && $0["source"]?.string == "windows" }.compactMap { $0["node"]?.string }
      ).sorted()
    }
    var findings: [Finding] = []
    let without = nodes("NotInResponse")
    if !without.isEmpty {
      findings.append(
        .mistake(
          "windows_exporter on \(listed(without)) lists no containers: its collector container is not enabled",
          fix: "Start it with --collectors.enabled=[defaults],container."))
    }
    let failed = nodes("CollectorFailed")
    if !failed.isEmpty {
      findings.append(
        .mistake(
          "the collector container of windows_exporter on \(listed(failed)) fails", fix: "Its log on the node has the cause; restart it."))
    }
    let unreachable = nodes("ExporterUnreachable")
    if !unreachable.isEmpty {
      findings.append(
        .mistake(
          "windows_exporter on \(listed(unreachable)) does not answer",
          fix: "Start its service, admit its port in the Windows firewall, or set --windows-port."))
    }
    return findings.isEmpty ? [.ok("every exporter lists its containers")] : findings
  }
}

extension UnmetRequirement {
  /// What the selector wants, and what there is.
  fileprivate var text: String {
    let wanted =
      switch self.operator {
      case .isIn: values.count == 1 ? "\(key)=\(values[0])" : "\(key) in (\(values.joined(separator: ", ")))"
      case .isNotIn: "\(key) not in (\(values.joined(separator: ", ")))"
      case .exists: "a label \(key)"
      case .doesNotExist: "no label \(key)"
      }
    return actual.map { "\(wanted), and there is \(key)=\($0)" } ?? wanted
  }
}
