import Foundation
import HTTPTransport
import JSON
import TestSupport

/// A real browser, Chromium without a window, driven over WebDriver (W3C, HTTP and JSON) by its own driver. Both end with the value.
final class Browser: Sendable {
  private let driver: ExternalProgram
  private let transport: HTTPTransport
  private let session: String

  static let isInstalled = findProgram("chromium") != nil && findProgram("chromedriver") != nil

  /// - Parameter folder: of the profile and the driver's log.
  init(folder: TemporaryFolder, width: Int = 1280, height: Int = 900) async throws {
    driver = try ExternalProgram(
      "chromedriver", ["--port=0"], environment: ["HOME": folder.path, "TMPDIR": folder.path], log: "\(folder.path)/chromedriver.log")
    let line = try await driver.waitForLine(containing: "started successfully on port ")
    let port = line.split(separator: " ").last.map { $0.filter(\.isNumber) } ?? ""
    transport = try HTTPTransport()
    // Chromium refuses its sandbox to root. Nothing but our own page is opened.
    let arguments: [JSONValue] = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--force-device-scale-factor=1", .string("--window-size=\(width),\(height)"),
      .string("--user-data-dir=\(folder.path)/profile"),
    ]
    let created = try await Self.send(
      transport, "POST", "http://127.0.0.1:\(port)/session",
      [
        "capabilities": [
          "alwaysMatch": [
            "browserName": "chrome", "goog:chromeOptions": ["args": .array(arguments)], "goog:loggingPrefs": ["browser": "ALL"],
          ]
        ]
      ])
    guard let id = created["sessionId"]?.string else { throw BrowserError(description: "no session: \(created)") }
    session = "http://127.0.0.1:\(port)/session/\(id)"
  }

  /// Ends the browser. The driver would leave it running otherwise.
  func quit() async {
    _ = try? await Self.send(transport, "DELETE", session, nil)
    driver.stop()
  }

  func open(_ url: String) async throws { try await command("url", ["url": .string(url)]) }

  var title: String {
    get async throws { try await Self.send(transport, "GET", "\(session)/title", nil).string ?? "" }
  }

  var url: String {
    get async throws { try await Self.send(transport, "GET", "\(session)/url", nil).string ?? "" }
  }

  /// The value of a function body in the page, which works also where the page's own scripts do not.
  @discardableResult
  func evaluate(_ script: String) async throws -> JSONValue { try await command("execute/sync", ["script": .string(script), "args": []]) }

  /// Presses keys, one after the other; names of keys that are no characters are in WebDriver's table (`\u{e004}` is Tab).
  func press(_ keys: String) async throws {
    let actions = keys.flatMap { key -> [JSONValue] in
      [["type": "keyDown", "value": .string("\(key)")], ["type": "keyUp", "value": .string("\(key)")]]
    }
    try await command("actions", ["actions": [["type": "key", "id": "keyboard", "actions": .array(actions)]]])
  }

  /// The messages of the console since the last call that are no information, such as violations of the content security policy.
  func problems() async throws -> [String] {
    try await command("se/log", ["type": "browser"]).array?.filter { $0["level"] != "INFO" && $0["level"] != "DEBUG" }
      .map { "\($0["source"]?.string ?? ""): \($0["message"]?.string ?? "")" } ?? []
  }

  /// Emulates a user's color scheme, `light` or `dark`.
  func prefer(colorScheme: String) async throws {
    try await devTools("Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": .string(colorScheme)]]])
  }

  func allowScripts(_ isAllowed: Bool) async throws {
    try await devTools("Emulation.setScriptExecutionDisabled", ["value": .bool(!isAllowed)])
  }

  /// The page as a PNG.
  func screenshot() async throws -> Data {
    let value = try await Self.send(transport, "GET", "\(session)/screenshot", nil)
    return value.string.flatMap { Data(base64Encoded: $0) } ?? Data()
  }

  private func devTools(_ name: String, _ parameters: JSONValue) async throws {
    try await command("goog/cdp/execute", ["cmd": .string(name), "params": parameters])
  }

  @discardableResult
  private func command(_ name: String, _ body: JSONValue) async throws -> JSONValue {
    try await Self.send(transport, "POST", "\(session)/\(name)", body)
  }

  /// - Returns: the response's `value`.
  private static func send(_ transport: HTTPTransport, _ method: String, _ url: String, _ body: JSONValue?) async throws -> JSONValue {
    var request = HTTPRequest(
      method: method, url: url, headers: [HTTPHeader("Content-Type", "application/json")], body: body?.bytes, deadline: .seconds(120))
    request.maximumBodyBytes = 64 << 20
    let response = try await transport.send(request)
    let value = try JSONValue(parsing: response.body)["value"] ?? .null
    guard response.status == 200 else {
      throw BrowserError(description: "\(method) \(url): \(value["message"]?.string ?? "\(value)")")
    }
    return value
  }
}

struct BrowserError: Error, CustomStringConvertible {
  var description: String
}
