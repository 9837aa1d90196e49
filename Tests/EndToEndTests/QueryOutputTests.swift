import Foundation
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

  @Test func `R136: a table that a terminal is too narrow for has a line for each cell, and loses nothing`() {
    let output = GapsCommand.output(nil)
    #expect(output.text([:], [gap], as: .table, on: Terminal(width: 60)) == output.text([:], [gap], as: .table))
    var long = gap
    long["pod"] = .string("a.very-long-name.of-a-pod." + String(repeating: "x", count: 200))
    #expect(
      output.text([:], [gap, long], as: .table, on: Terminal(width: 40)) == """
        NAMESPACE  shop
        POD        web-0
        CONTAINER  app
        KIND       uncollected
        REASON     PidNotFound
        AGE        1h2m

        NAMESPACE  shop
        POD        a.very-long-name.of-a-pod.\(String(repeating: "x", count: 200))
        CONTAINER  app
        KIND       uncollected
        REASON     PidNotFound
        AGE        1h2m

        """)
  }

  @Test func `R136: colors are for terminals, and change no width`() {
    let output = GapsCommand.output(nil)
    let colored = output.text([:], [gap], as: .table, on: Terminal(width: 100, hasColors: true))
    #expect(colored.contains("uncollected  \u{1b}[31mPidNotFound\u{1b}[0m  1h2m"))
    #expect(colored.replacing("\u{1b}[31m", with: "").replacing("\u{1b}[0m", with: "") == output.text([:], [gap], as: .table))
    #expect(Terminal(width: 80).colored("x", .red) == "x")
  }

  @Test func `R136: an answer of another version is no empty list`() throws {
    let error = try #require(throws: QueryFailure.self) { try (["gap": []] as JSONValue).list("gaps") }
    #expect(error.message.hasPrefix("the controller's answer has no gaps: it is of another version than this command"))
    #expect(try (["gaps": []] as JSONValue).list("gaps").isEmpty)
  }

  @Test func `R136: text is broken at spaces, with the indentation of its first line`() {
    let terminal = Terminal(width: 20)
    #expect(
      terminal.lines("  [ok] port  a service has it", indentation: 13) == ["  [ok] port  a", "          service", "          has it"])
    #expect(terminal.lines("short", indentation: 4) == ["short"])
    #expect(
      terminal.lines("  " + String(repeating: "x", count: 30) + " y", indentation: 2) == ["  " + String(repeating: "x", count: 30), "  y"])
    #expect(Terminal.none.lines(String(repeating: "x ", count: 50), indentation: 2).count == 1)
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
