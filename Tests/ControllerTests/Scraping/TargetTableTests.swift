import JSON
import Primitives
import Testing

@testable import Controller

@Suite struct TargetTableTests {
  private static let sent = Timestamp(unixMilliseconds: 1_795_875_960_000)

  /// A table of targets that are given as JSON.
  static func table(_ targets: [JSONValue]) throws -> TargetTable {
    var scanner = TargetsScanner()
    var table = TargetTable()
    let document: JSONValue = ["status": "success", "data": ["activeTargets": .array(targets)]]
    try scanner.scan(document.bytes) { table.append($0) }
    _ = try scanner.finish()
    table.finish(sent: sent)
    return table
  }

  static func target(
    pool: String = "podMonitor/shop/web/0", address: String, uid: String? = "5b6f1f0a-0000-4000-8000-000000000001", pod: String = "web-0",
    container: String = "web", health: String = "up", lastScrape: String = "2026-11-28T14:25:46.5Z", error: String = ""
  ) -> JSONValue {
    var target: JSONValue = [
      "discoveredLabels": [
        "__address__": .string(address), "__meta_kubernetes_namespace": "shop", "__meta_kubernetes_pod_name": .string(pod),
        "__meta_kubernetes_pod_container_name": .string(container),
      ],
      "labels": [:], "scrapePool": .string(pool), "scrapeUrl": .string("http://\(address)/metrics"), "health": .string(health),
      "lastScrape": .string(lastScrape), "lastError": .string(error), "scrapeInterval": "15s",
    ]
    target["discoveredLabels"]?["__meta_kubernetes_pod_uid"] = uid.map { .string($0) }
    return target
  }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test func `R116: a target is found by its address, with the age of its scrape by the scraper's clock`() throws {
    let table = try Self.table([
      Self.target(address: "10.0.0.9:80"), Self.target(address: "10.0.0.7:8080"), Self.target(address: "10.0.0.7:9090"),
    ])
    let found = table.targets(at: try address("10.0.0.7"), port: 8080)
    #expect(
      found == [
        ObservedTarget(
          pool: "podMonitor/shop/web/0", pod: .uid(UID("5b6f1f0a-0000-4000-8000-000000000001")), container: "web", health: .up,
          age: .milliseconds(13500), interval: .seconds(15))
      ])
    #expect(table.targets(at: try address("10.0.0.7"), port: nil).isEmpty)
    #expect(table.targets(at: try address("10.0.0.8"), port: 8080).isEmpty)
  }

  @Test func `R116: addresses may be IPv6, and lack a port`() throws {
    let table = try Self.table([
      Self.target(address: "[fd00::7]:8080"), Self.target(address: "10.0.0.7"), Self.target(address: "[fd00::8]"),
    ])
    #expect(table.targets(at: try address("fd00:0::7"), port: 8080).count == 1)
    #expect(table.targets(at: try address("10.0.0.7"), port: nil).count == 1)
    #expect(table.targets(at: try address("fd00::8"), port: nil).count == 1)
  }

  @Test func `R116: targets at one address are all found, in whatever order they come`() throws {
    let targets = (0..<200).map { number in
      Self.target(pool: "podMonitor/shop/web/\(number % 3)", address: "10.0.0.\(number % 7):80", container: "c\(number)")
    }
    for order in [targets, targets.reversed()] {
      let table = try Self.table(order)
      #expect(table.count == 200)
      for host in 0..<7 {
        let names = Set(table.targets(at: try address("10.0.0.\(host)"), port: 80).map(\.container))
        #expect(names == Set((0..<200).filter { $0 % 7 == host }.map { "c\($0)" }))
      }
    }
  }

  @Test func `R116: before the first scrape there is no age`() throws {
    let table = try Self.table([Self.target(address: "10.0.0.7:80", health: "unknown", lastScrape: "0001-01-01T00:00:00Z")])
    let found = try #require(table.targets(at: try address("10.0.0.7"), port: 80).first)
    #expect(found.age == nil && found.health == .unknown && found.failure == nil)
  }

  @Test func `R116: targets that are not Pods are counted and not kept`() throws {
    let table = try Self.table([Self.target(address: "example.org:443"), Self.target(address: ""), Self.target(address: "10.0.0.300:80")])
    #expect(table.count == 0)
    #expect(table.unnamedCount == 3)
  }

  @Test func `R116: without discovered labels a target is found by what is scraped, and its Pod by the labels`() throws {
    let table = try Self.table([
      [
        "discoveredLabels": [:], "labels": ["namespace": "shop", "pod": "web-0", "container": "web", "job": "shop/web"],
        "scrapePool": "shop/web", "scrapeUrl": "http://10.0.0.7:8080/metrics", "health": "up", "lastScrape": "2026-11-28T14:25:46.5Z",
      ]
    ])
    let found = try #require(table.targets(at: try address("10.0.0.7"), port: 8080).first)
    #expect(found.pod == .named("web-0", namespace: "shop"))
    #expect(found.container == "web")
    #expect(found.interval == nil)
  }

  @Test func `R116: failures of many targets share a text, and too many texts are not kept`() throws {
    let refused = (0..<10).map { number in
      let address = "10.0.0.\(number):80"
      return Self.target(
        address: address, health: "down", error: "Get \"http://\(address)/metrics\": context deadline exceeded")
    }
    let table = try Self.table(refused)
    #expect(
      table.targets(at: try address("10.0.0.3"), port: 80).first?.failure
        == ScrapeFailure(message: "context deadline exceeded"))
    let different = (0..<(TargetTable.maximumFailures + 50)).map { number in
      Self.target(address: "10.1.\(number / 256).\(number % 256):80", health: "down", error: "sample limit exceeded \(number)")
    }
    let many = try Self.table(different)
    let last = try #require(many.targets(at: try address("10.1.4.40"), port: 80).first?.failure)
    #expect(last.kind == .tooManySamples && last.message.isEmpty)
  }
}

@Suite struct ScrapeFailureTests {
  @Test(
    arguments: [
      (#"Get "http://10.0.0.7:80/metrics": dial tcp 10.0.0.7:80: connect: connection refused"#, ScrapeFailureKind.refused),
      (#"Get "http://10.0.0.7:80/metrics": dial tcp 10.0.0.7:80: connect: no route to host"#, .refused),
      (#"Get "http://10.0.0.7:80/metrics": read tcp 10.0.0.1:9->10.0.0.7:80: read: connection reset by peer"#, .refused),
      (#"Get "http://10.0.0.7:80/metrics": EOF"#, .refused),
      (#"Get "http://web:80/metrics": dial tcp: lookup web on 10.96.0.10:53: no such host"#, .other),
      (#"Get "http://10.0.0.7:80/metrics": context deadline exceeded"#, .timeout),
      (#"Get "https://10.0.0.7:80/metrics": http: server gave HTTP response to HTTPS client"#, .tls),
      (#"Get "https://10.0.0.7:80/metrics": tls: failed to verify certificate: x509: certificate signed by unknown authority"#, .tls),
      (#"Get "https://10.0.0.7:80/metrics": x509: certificate is valid for web, not shop"#, .tls),
      ("server returned HTTP status 401 Unauthorized", .unauthorized), ("server returned HTTP status 403 Forbidden", .unauthorized),
      (
        #"Get "http://10.0.0.7/metrics": unable to read authorization credentials: unable to read file /t: open /t: no such file or directory"#,
        .unauthorized
      ),
      ("server returned HTTP status 404 Not Found", .notFound), ("server returned HTTP status 500 Internal Server Error", .other),
      (#"received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target"#, .badExposition),
      (#"expected a valid start token, got "<" ("INVALID") while parsing: "<""#, .badExposition),
      (#""INVALID" is not a valid start token"#, .badExposition),
      (#"strconv.ParseFloat: parsing "abc": invalid syntax while parsing: "up abc""#, .badExposition),
      ("data does not end with # EOF", .badExposition), ("unexpected EOF", .badExposition),
      ("sample limit exceeded", .tooManySamples), ("body size limit exceeded", .tooLarge),
      ("label_limit exceeded (metric: up, number of labels: 10, limit: 1)", .tooLarge),
      ("target_limit exceeded (number of targets: 3, limit: 1)", .tooManyTargets),
      (#"unexpected status code returned when scraping "http://10.0.0.7/metrics": 404; expecting 200; response body: "no""#, .notFound),
      (
        #"unexpected status code returned when scraping "http://10.0.0.7/metrics": 401; expecting 200; response body: "404""#, .unauthorized
      ),
      (#"error when scraping "http://10.0.0.7/metrics" from job "web": timeout: cannot scrape within timeout 1s: timeout"#, .timeout),
      (#"the response from "http://10.0.0.7/metrics" exceeds sample_limit=1; either reduce the sample count"#, .tooManySamples),
      ("something new", .other),
    ])
  func `R117: a scraper's message has a kind`(message: String, kind: ScrapeFailureKind) {
    #expect(ScrapeFailureKind(message: message) == kind)
  }
}
