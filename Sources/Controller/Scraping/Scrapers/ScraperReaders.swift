internal import AsyncPrimitives
internal import Collector
internal import HTTPTransport
internal import Logging
internal import Primitives
internal import Synchronization

/// The readers of all known scrapers.
final class ScraperReaders: Sendable {
  private let transport: HTTPTransport
  private let client: ScraperClient.Settings
  private let headers: HeadersFile?
  private let time: any TimeSource
  private let logger: Logger
  private let readers = Mutex<[Scraper: ScraperReader]>([:])
  private let wakeup = Wakeup()

  /// - Parameter headers: sent over https and to loopback addresses only.
  init(
    transport: HTTPTransport, client: ScraperClient.Settings, headers: HeadersFile?, time: any TimeSource, logger: Logger
  ) {
    self.transport = transport
    self.client = client
    self.headers = headers
    self.time = time
    self.logger = logger
  }

  /// Sorted by name.
  var all: [ScraperReader] { readers.withLock { Array($0.values) }.sorted { $0.scraper.name < $1.scraper.name } }

  /// `nil` for a scraper that is not known, or cannot be asked.
  func client(of scraper: Scraper) -> ScraperClient? { readers.withLock { $0[scraper] }?.client }

  /// Sets the scrapers that are read. Readers of others end; new ones start if `run` runs.
  func set(_ scrapers: some Sequence<Scraper>) {
    let wanted = Set(scrapers)
    let hasNew = readers.withLock { readers in
      for (scraper, reader) in readers where !wanted.contains(scraper) {
        reader.stop()
        readers[scraper] = nil
      }
      let new = wanted.subtracting(readers.keys)
      for scraper in new { readers[scraper] = reader(of: scraper) }
      return !new.isEmpty
    }
    if hasNew { wakeup.signal() }
  }

  private func reader(of scraper: Scraper) -> ScraperReader {
    guard case .url(let url) = scraper.place else { return ScraperReader(scraper, client: nil, time: time, logger: logger) }
    let client = ScraperClient(url: url, transport: transport, settings: client, headers: sendsHeaders(to: scraper, url) ? headers : nil)
    return ScraperReader(scraper, client: client, time: time, logger: logger)
  }

  /// Credentials do not cross a network unencrypted. Whoever may create a Prometheus object decides about its scrapers, so those get them only if
  /// their certificate is verified.
  func sendsHeaders(to scraper: Scraper, _ url: String) -> Bool {
    guard let url = HTTPURL(url) else { return false }
    return scraper.prometheus == nil ? !url.isPlain : url.isEncrypted && client.tls?.verification != TLSOptions.Verification.none
  }

  /// Runs until the task is cancelled, and then forgets what was read.
  func run() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        for reader in all where reader.begin() { group.addTask { await reader.run() } }
        _ = await wakeup.wait()
      }
    }
    readers.withLock { $0 = [:] }
  }
}
