import Foundation
import HTTPTransport
import JSON
import TestSupport
import Testing

@testable import Rollcall

/// The status page of the demo in a real browser.
@Suite(.serialized, .enabled(if: Browser.isInstalled, "chromium and chromium-driver are not installed"))
struct StatusPageTests {
  private let folder: TemporaryFolder
  private let address = OwnAddress(port: 9750)

  init() throws { folder = try TemporaryFolder() }

  /// The demo with an outage of each kind and a browser, while `body` runs.
  private func withDemo(_ body: (Browser) async throws -> Void) async throws {
    let port = try ClosedPort()
    let outages = Outage.allCases.flatMap { ["--inject", $0.rawValue] }
    let demo = try ExternalProgram(
      try builtExecutable("rollcall"),
      ["demo", "--listen", "\(address)", "--api-port", "\(port.number)", "--network", address.network] + outages
        + ["--inject-after", "0", "--inject-for", "3600"],
      log: "\(folder.path)/demo.log")
    defer { demo.stop() }
    _ = try await demo.waitForLine(containing: "Ctrl-C stops everything")
    for reason in ["AgentUnreachable", "ExporterUnreachable", "EndpointTimeout"] {
      try await eventually("there is a gap because of \(reason)", within: .seconds(240)) {
        let request = HTTPRequest(url: url("page/gaps?reason=\(reason)"), deadline: .seconds(20))
        guard let page = try? await HTTPTransport().send(request), page.status == 200 else { return false }
        return !String(decoding: page.body, as: UTF8.self).contains("0 to 0 of 0")
      }
    }
    let browser = try await Browser(folder: folder)
    do {
      try await body(browser)
    } catch {
      await browser.quit()
      throw error
    }
    await browser.quit()
  }

  private func url(_ path: String) -> String { "http://\(address)/\(path)" }

  /// Every view, the subjects found by following links as somebody would.
  private func views(_ browser: Browser) async throws -> [String] {
    try await browser.open(url("page/gaps?sort=container"))
    let found = try await browser.evaluate(
      """
      const first = (part) => document.querySelector(`tbody a[href^="${part}?"]`).href;
      return [first('container'), first('node'), first('workload')];
      """)
    let subjects = found.array?.compactMap(\.string) ?? []
    #expect(subjects.count == 3)
    return [
      "", "?list=workloads", "page/gaps", "page/nodes", "page/nodes?list=table", "page/workloads", "page/workloads?list=table",
      "page/history", "page/search?q=a", "page/gaps?sort=x", "page/node?node=gone",
    ].map(url) + subjects
  }

  /// One demo for all, because its gaps take time to open.
  @Test func `R133: the page in a browser: every view, the keyboard alone, filters, and updates in place`() async throws {
    try await withDemo { browser in
      try await looks(browser)
      try await keyboard(browser)
      try await filters(browser)
      try await updates(browser)
    }
  }

  /// With and without scripts, light and dark.
  private func looks(_ browser: Browser) async throws {
    let views = try await views(browser)
    _ = try await browser.problems()
    for (hasScripts, scheme) in [(true, "light"), (true, "dark"), (false, "light")] {
      try await browser.allowScripts(hasScripts)
      try await browser.prefer(colorScheme: scheme)
      for view in views {
        let what = "\(view), \(scheme), \(hasScripts ? "with" : "without") scripts"
        try await browser.open(view)
        #expect(try await browser.title.hasSuffix(" – Rollcall"), "\(what)")
        #expect(try await browser.evaluate("return document.querySelectorAll('#updates').length") == (hasScripts ? 1 : 0), "\(what)")
        let back = try await browser.evaluate("return getComputedStyle(document.body).backgroundColor")
        #expect(back == (scheme == "light" ? "rgb(255, 255, 255)" : "rgb(20, 24, 29)"), "\(what)")
        #expect(try await browser.evaluate(PageChecks.faintTexts) == [], "contrast: \(what)")
        #expect(try await browser.evaluate(PageChecks.faintCells) == [], "contrast of cells: \(what)")
        #expect(try await browser.evaluate(PageChecks.structure) == [], "\(what)")
        let problems = try await browser.problems().filter { !$0.contains("the server responded with a status of 40") }
        #expect(problems == [], "\(what)")
      }
    }
    // The checks find what they look for.
    try await browser.evaluate(
      """
      document.querySelector('h1').style.color = getComputedStyle(document.body).backgroundColor;
      const image = document.createElement('img'); image.src = 'http://127.0.0.1:1/'; document.body.append(image);
      """)
    #expect(try await browser.evaluate(PageChecks.faintTexts) != [])
    #expect(try await browser.evaluate(PageChecks.structure) != [])
    try await eventually("a violation of the policy is in the console") {
      try await browser.problems().contains { $0.contains("Content Security Policy") }
    }
  }

  private func keyboard(_ browser: Browser) async throws {
    try await browser.allowScripts(true)
    let focus = "const active = document.activeElement; return active.getAttribute('href') || active.id || active.tagName;"
    try await browser.open(url(""))
    try await browser.press("\u{e004}")
    #expect(try await browser.evaluate(focus) == "#main", "the first stop skips to the content")
    try await browser.press("\u{e007}")
    #expect(try await browser.evaluate("return location.hash") == "#main")

    // The cells are one stop.
    try await browser.evaluate("document.querySelector('.grid a').focus()")
    let first = try await browser.evaluate(focus)
    #expect(first.string?.hasPrefix("page/node?node=") == true)
    let label = "return getComputedStyle(document.activeElement.querySelector('b')).left"
    #expect(try await browser.evaluate(label) == "0px", "its name is shown")
    try await browser.press("\u{e014}")
    let second = try await browser.evaluate(focus)
    #expect(second != first && second.string?.hasPrefix("page/node?node=") == true, "the arrow keys walk them")
    try await browser.press("\u{e011}")
    #expect(try await browser.evaluate(focus) == first, "Home")
    try await browser.press("\u{e010}\u{e004}")
    #expect(try await browser.evaluate(focus).string?.hasPrefix("page/node?") == false, "and Tab leaves them")

    // The search.
    try await browser.press("/")
    #expect(try await browser.evaluate(focus) == "find")
    try await browser.press("linux-1\u{e007}")
    try await eventually("the search shows what was typed") { try await browser.url.hasSuffix("page/search?q=linux-1") }
    #expect(try await browser.evaluate("return document.querySelector('main th a').textContent") == "linux-1")
  }

  private func filters(_ browser: Browser) async throws {
    for hasScripts in [true, false] {
      try await browser.allowScripts(hasScripts)
      try await browser.open(url("page/gaps"))
      let all = try await browser.evaluate("return document.querySelectorAll('tbody tr').length")
      try await browser.evaluate(
        """
        const form = document.querySelector('.filters');
        form.elements.reason.value = 'AgentUnreachable';
        form.elements.node.value = 'linux-1';
        form.querySelector('button').click();
        """)
      try await eventually("the address has the filter") {
        let address = try await browser.url
        return address.contains("reason=AgentUnreachable") && address.contains("node=linux-1")
      }
      #expect(try await browser.url.contains("namespace=") == !hasScripts, "a script leaves out what is empty")
      let shown = try await browser.evaluate(
        """
        return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[2].textContent + ' ' + row.cells[6].textContent.trim());
        """)
      let rows = shown.array ?? []
      #expect(!rows.isEmpty && rows.allSatisfy { $0 == "linux-1 AgentUnreachable" } && all != .integer(Int64(rows.count)))
      // Somebody else opens the same address.
      let address = try await browser.url
      try await browser.open("about:blank")
      try await browser.open(address)
      #expect(try await browser.evaluate("return document.querySelector('.filters').elements.reason.value") == "AgentUnreachable")
      #expect(try await browser.evaluate("return document.querySelectorAll('tbody tr').length") == .integer(Int64(rows.count)))
    }
  }

  private func updates(_ browser: Browser) async throws {
    try await browser.allowScripts(true)
    try await browser.open(url(""))
    try await browser.evaluate(
      "window.kept = document.querySelector('main h1'); document.querySelectorAll('.grid a')[1].focus(); return 1")
    let focused = try await browser.evaluate("return document.activeElement.getAttribute('href')")
    try await browser.evaluate("document.querySelector('#updates button').click()")
    try await eventually("the content is new") { try await browser.evaluate("return window.kept.isConnected") == false }
    try await eventually("the focus is where it was") {
      try await browser.evaluate("return document.activeElement.getAttribute('href')") == focused
    }
    let pause = "document.querySelectorAll('#updates button')[1]"
    try await browser.evaluate("\(pause).click()")
    #expect(try await browser.evaluate("return \(pause).textContent") == "Go on updating")
    try await browser.evaluate("\(pause).click()")
    #expect(try await browser.evaluate("return \(pause).textContent") == "Stop updating")
    #expect(try await browser.problems() == [])
  }
}
