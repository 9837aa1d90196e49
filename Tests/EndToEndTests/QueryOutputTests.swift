import JSON
import Testing

@testable import Rollcall

/// What the commands that ask a controller print.
@Suite struct QueryOutputTests {
  private let gap: JSONValue = [
    "namespace": "shop", "pod": "web-0", "container": "app", "node": "linux-1", "source": "linux", "kind": "uncollected",
    "workload": ["kind": "Deployment", "name": "web"], "reason": "PidNotFound", "detail": "no\u{1b}[31m process\nat all",
    "ageSeconds": 3725,
  ]

  @Test func `R119: lists are tables, and the wide one has more columns`() {
    let output = GapsCommand.output(nil)
    #expect(
      output.text([:], [gap], as: .table) == """
        NAMESPACE  POD    CONTAINER  KIND         REASON       AGE
        shop       web-0  app        uncollected  PidNotFound  1h2m

        """)
    let wide = output.text([:], [gap], as: .wide)
    #expect(wide.contains("Deployment/web  linux-1  linux   no [31m process at all\n"), "without what a terminal would obey")
    #expect(output.text([:], [], as: .table) == "No gaps.\n")
    #expect(GapsCommand.output("shop").text([:], [], as: .wide) == "No gaps in namespace shop; -A lists all namespaces.\n")
  }

  @Test func `names are those that kubectl takes, each once`() {
    #expect(GapsCommand.output(nil).text([:], [gap, gap], as: .name) == "pod/web-0\n")
    #expect(GapsCommand.output(nil).text([:], [], as: .name).isEmpty)
  }

  @Test func `coverage has a row for each source with nodes, and the total`() {
    let document: JSONValue = [
      "sources": [
        "linux": ["nodes": 2, "expected": 5, "collected": 4, "gaps": 1, "exempt": ["Ignored": 2, "Starting": 1]],
        "virtual": ["nodes": 0, "expected": 0, "collected": 0, "gaps": 0, "exempt": [:]],
      ], "total": ["nodes": 2, "expected": 5, "collected": 4, "gaps": 1, "exempt": ["Ignored": 2, "Starting": 1]],
    ]
    #expect(
      CoverageCommand.output.text(document, CoverageCommand.rows(of: document), as: .table) == """
        SOURCE  NODES  EXPECTED  COLLECTED  GAPS  EXEMPT
        linux       2         5          4     1       3
        total       2         5          4     1       3

        """)
  }

  @Test func `ages have at most two units`() {
    #expect([0, 59, 60, 125, 3600, 90_061, -5].map { age($0) } == ["0s", "59s", "1m", "2m5s", "1h", "1d1h", "0s"])
  }

  @Test func `YAML is in block style, and quotes what would be something else`() {
    let value: JSONValue = [
      "list": [["a": 1, "b": [true, nil]], "no", "plain-text", "10", "", "a: b", [1]], "empty": [:], "none": [],
      "object": ["x": ["y": "z"]],
    ]
    #expect(
      value.yaml == """
        empty: {}
        list:
          - a: 1
            b:
              - true
              - null
          - "no"
          - plain-text
          - "10"
          - ""
          - "a: b"
          - - 1
        none: []
        object:
          x:
            "y": z

        """)
  }

  @Test func `the address of a port forward is read from kubectl's line`() {
    #expect(PortForward.address(in: "Forwarding from 127.0.0.1:40123 -> 9750") == "127.0.0.1:40123")
    #expect(PortForward.address(in: "Forwarding from [::1]:40123 -> 9750") == "[::1]:40123")
    #expect(PortForward.address(in: "Handling connection for 40123") == nil)
  }
}
