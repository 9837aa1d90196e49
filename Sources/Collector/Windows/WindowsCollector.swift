internal import Exposition
package import HTTPTransport
package import Roll

/// Calls the roll of a Windows node by reading its windows_exporter. One value serves any number of nodes at once.
package struct WindowsCollector: NodeCollector {
  private let fetcher: PageFetcher
  private let settings: WindowsSettings

  package init(transport: HTTPTransport, settings: WindowsSettings) {
    fetcher = PageFetcher(transport: transport, reasons: .exporter)
    self.settings = settings
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    do throws(Miss) {
      let page = try await page(of: roll)
      return roll.answered(roll.entries.map(page.outcome), lastScrape: .notObservable)
    } catch {
      return roll.missed(error, lastScrape: .notObservable)
    }
  }

  private func page(of roll: NodeRoll) async throws(Miss) -> WindowsPage {
    guard let address = roll.address else {
      throw Miss(.exporterUnreachable, "the node \(roll.node) has no address in its status")
    }
    guard let host = urlHost(of: address) else {
      throw Miss(.exporterUnreachable, "the address of the node \(roll.node) is neither an IP address nor a DNS name: '\(address)'")
    }
    // Literal brackets would be read as a glob by some clients and refused by others: they are escaped.
    let query = settings.collectors.map { "collect%5B%5D=\($0)" }.joined(separator: "&")
    let url = "\(settings.scheme)://\(host):\(settings.port)\(settings.path)" + (query.isEmpty ? "" : "?\(query)")
    var request = HTTPRequest.page(
      url: url, deadline: settings.deadline, connectTimeout: settings.connectTimeout, limits: settings.limits)
    request.tls = settings.tls
    let response = try await fetcher.fetch(request)
    do {
      return try WindowsPage(response.body, limits: settings.limits)
    } catch {
      throw Miss(error, page: url)
    }
  }
}
