import JSON
import Testing

@testable import Rollcall

/// What `rollcall explain` prints.
@Suite struct ExplanationTextTests {
  private let explanation: JSONValue = [
    "namespace": "shop", "pod": "web-0", "node": "worker-1", "workload": ["kind": "Deployment", "name": "web"], "outcome": "broken",
    "asks": [
      [
        "container": "app", "by": "ServiceMonitor shop/web, endpoint 0", "outcome": "broken", "isGap": true, "reason": "MonitorNotAdopted",
        "detail": "no", "fix": "Add the label.", "runbook": "https://rollcall.dev/docs/runbooks.md#monitornotadopted",
        "links": [
          ["link": "asked", "state": "holds", "text": "it selects the Pod"], ["link": "adopted", "state": "broken", "text": "no label"],
          ["link": "accepted", "state": "unknown", "text": ""],
        ],
      ],
      [
        "container": nil, "by": "annotations of the Pod", "outcome": "scraped",
        "links": [["link": "asked", "state": "holds", "text": "yes"]],
        "lagging": [["scraper": "main-1", "detail": "down"]],
      ],
    ], "nearest": nil, "scrapers": ["known": 3, "reached": 2],
  ]

  @Test func `R119: an explanation is printed link by link, with what to do`() {
    #expect(
      ExplanationText(explanation).text == """
        Pod shop/web-0 (Deployment/web) on node worker-1: not scraped

        container app, by ServiceMonitor shop/web, endpoint 0: not scraped
          [ok] asked     it selects the Pod
          [NO] adopted   no label
          [ ?] accepted
          reason: MonitorNotAdopted
          fix: Add the label.
          more: https://rollcall.dev/docs/runbooks.md#monitornotadopted

        the Pod, by annotations of the Pod: scraped
          [ok] asked  yes
          not by main-1: down

        Scrapers reached: 2 of 3. Nothing is known of the others.

        """)
  }

  @Test func `R136: a narrow terminal gets every word, and colors where it has them`() {
    let narrow = ExplanationText(explanation, on: Terminal(width: 40)).text
    for line in narrow.split(separator: "\n") where !line.contains("https://") { #expect(line.count <= 40, "\(line)") }
    func words(_ text: String) -> [Substring] { text.split(whereSeparator: \.isWhitespace) }
    #expect(words(narrow) == words(ExplanationText(explanation).text))
    let colored = ExplanationText(explanation, on: Terminal(width: 200, hasColors: true)).text
    #expect(colored.contains("  \u{1b}[32m[ok]\u{1b}[0m asked") && colored.contains("  \u{1b}[31m[NO]\u{1b}[0m adopted"))
  }

  @Test func `R119: a Pod that nothing asks for has the nearest monitor`() {
    let nothing: JSONValue = [
      "namespace": "shop", "pod": "web-0", "node": nil, "workload": nil, "outcome": "broken", "asks": [], "reason": "NoMonitor",
      "fix": "Create one.", "runbook": "https://rollcall.dev/docs/runbooks.md#nomonitor",
      "nearest": "PodMonitor shop/x wants Pods with app=web",
      "scrapers": ["known": 0, "reached": 0],
    ]
    #expect(
      ExplanationText(nothing).text == """
        Pod shop/web-0: not scraped
          reason: NoMonitor
          fix: Create one.
          more: https://rollcall.dev/docs/runbooks.md#nomonitor

        Nearest monitor: PodMonitor shop/x wants Pods with app=web

        """)
    #expect(ExplanationText([:]).text == "Pod /: not known\n", "of another version")
  }
}
