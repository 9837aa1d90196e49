import JSON
import KubeClient
import Testing

@testable import Controller

@Suite struct MonitorAdoptionTests {
  private typealias Objects = ScrapeObjects

  private static let monitor = Objects.monitor(.serviceMonitor, labels: ["team": "a"], ["endpoints": [["port": "http"]]])

  private func adoption(
    _ monitor: MonitorRecord = monitor, by prometheuses: PrometheusRecord..., namespaceLabels: [String: String]? = ["stage": "prod"]
  ) -> MonitorAdoption {
    MonitorAdoption(of: monitor, by: prometheuses, namespaceLabels: namespaceLabels)
  }

  private func refusal(_ prometheus: PrometheusRecord, namespaceLabels: [String: String]? = ["stage": "prod"]) -> MonitorRefusal.Cause? {
    adoption(by: prometheus, namespaceLabels: namespaceLabels).refusals.first?.cause
  }

  @Test func `R114: without a selector no monitor is adopted, with an empty one each is`() {
    #expect(refusal(Objects.prometheus(["podMonitorSelector": [:]])) == .noSelector)
    #expect(refusal(Objects.prometheus(["serviceMonitorSelector": .null, "probeSelector": [:]])) == .noSelector)
    #expect(refusal(Objects.prometheus(["serviceMonitorSelector": [:]])) == nil)
    #expect(
      refusal(Objects.prometheus(["serviceMonitorSelector": ["matchLabels": ["team": "b"]]]))
        == .labels(UnmetRequirement(key: "team", operator: .isIn, values: ["b"], actual: "a")))
    #expect(
      refusal(Objects.prometheus(["serviceMonitorSelector": ["matchLabels": ["release": "x"]]]))
        == .labels(UnmetRequirement(key: "release", operator: .isIn, values: ["x"], actual: nil)))
  }

  @Test func `R114: without a namespace selector only the own namespace counts`() {
    #expect(refusal(Objects.prometheus(in: "monitoring", ["serviceMonitorSelector": [:]])) == .otherNamespace)
    #expect(refusal(Objects.prometheus(in: "shop", ["serviceMonitorSelector": [:]])) == nil)
    #expect(refusal(Objects.prometheus(in: "monitoring", ["serviceMonitorSelector": [:], "serviceMonitorNamespaceSelector": [:]])) == nil)
    let prod: JSONValue = ["serviceMonitorSelector": [:], "serviceMonitorNamespaceSelector": ["matchLabels": ["stage": "prod"]]]
    #expect(refusal(Objects.prometheus(in: "monitoring", prod)) == nil)
    #expect(
      refusal(Objects.prometheus(in: "monitoring", prod), namespaceLabels: ["stage": "test"])
        == .namespaceLabels(UnmetRequirement(key: "stage", operator: .isIn, values: ["prod"], actual: "test")))
    let named: JSONValue = [
      "serviceMonitorSelector": [:], "serviceMonitorNamespaceSelector": ["matchLabels": ["kubernetes.io/metadata.name": "shop"]],
    ]
    #expect(refusal(Objects.prometheus(in: "monitoring", named), namespaceLabels: nil) == nil, "also while the Namespace is not known")
  }

  @Test func `R114: of a Prometheus object without any selector nothing can be said`() {
    let unmanaged = Objects.prometheus(named: "free", ["serviceMonitorNamespaceSelector": [:]])
    #expect(adoption(by: unmanaged).withoutAdopter == .unknown(.unmanaged([unmanaged.id])))
    #expect(adoption().withoutAdopter == .unknown(.noPrometheus))
    let scrape = Objects.monitor(.vmServiceScrape, ["endpoints": [["port": "http"]]])
    #expect(adoption(scrape, by: Objects.prometheus()).withoutAdopter == .unknown(.notDeclared))
    let refusing = Objects.prometheus(["podMonitorSelector": [:]])
    #expect(adoption(by: refusing).withoutAdopter == .refused([MonitorRefusal(prometheus: refusing.id, cause: .noSelector)]))
  }

  @Test func `R114: the role is the monitor's, else that of the Prometheus object, else Endpoints`() {
    let slices = Objects.prometheus(Objects.everything(["serviceDiscoveryRole": "EndpointSlice"]))
    #expect(adoption(by: slices).adopting.map(\.role) == [.endpointSlice])
    #expect(adoption(by: Objects.prometheus()).adopting.map(\.role) == [.endpoints])
    let monitor = Objects.monitor(.serviceMonitor, ["serviceDiscoveryRole": "Endpoints", "endpoints": [["port": "http"]]])
    #expect(adoption(monitor, by: slices).adopting.map(\.role) == [.endpoints])
  }

  @Test func `R114: ignoreNamespaceSelectors reduces a monitor to its own namespace`() {
    let monitor = Objects.monitor(
      .serviceMonitor, ["namespaceSelector": ["any": true, "matchNames": ["other"]], "endpoints": [["port": "http"]]])
    let (ignoring, plain) = (
      Objects.prometheus(named: "ignoring", Objects.everything(["ignoreNamespaceSelectors": true])), Objects.prometheus(named: "plain")
    )
    let adoption = adoption(monitor, by: ignoring, plain)
    #expect(adoption.adopting(for: monitor, in: "shop").map(\.prometheus.name) == ["ignoring", "plain"])
    #expect(adoption.adopting(for: monitor, in: "anywhere").map(\.prometheus.name) == ["plain"])
    #expect(
      self.adoption(monitor, by: ignoring).withoutAdopter
        == .refused([MonitorRefusal(prometheus: ignoring.id, cause: .namespaceSelectorIgnored)]))
  }
}
