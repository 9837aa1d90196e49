import Exposition
import Roll

@testable import Collector

extension VirtualSnapshot {
  /// The exposition served for the snapshot.
  var text: String {
    var text = GroupedExposition(self)
    var bytes: [UInt8] = []
    while text.withNextChunk({ bytes.append(contentsOf: $0) }) != nil {}
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Ingests the body of one pod.
func ingest(
  _ body: String, _ entries: [RollEntry], _ freshness: Freshness = Freshness(limit: .seconds(60)),
  sharing cache: VirtualScrapeCache = VirtualScrapeCache(stalenessLimit: .seconds(60)), images: [String: String] = [:]
) throws(ExpositionError) -> (scrape: CachedScrape, findings: CadvisorFindings) {
  var ingest = ScrapeIngest(settings: VirtualSettings())
  return try ingest.ingest(
    Array(body.utf8), labels: PodLabels(node: "n", entries: entries, images: { _ in images }, isOfOnePod: true), freshness,
    sharing: cache.shapes)
}
