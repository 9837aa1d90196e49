internal import JSON
internal import Roll

/// A kubelet's answer at `/stats/summary`, of which any part can be missing.
///
/// Each part has a time of its own. A part that is older than the limit when the answer was sent counts as not there: kubelets go on
/// serving what a runtime no longer brings up to date.
/// Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go.
struct KubeletSummary {
  /// One pod; of two of the same name, the one that started last.
  struct Pod {
    let namespace: String
    let name: String
    let content: JSONValue

    var containers: [(name: String, content: JSONValue)] {
      var seen: Set<String> = []
      return (content["containers"]?.array ?? []).compactMap { content in
        guard let name = content["name"]?.string, !name.isEmpty, seen.insert(name).inserted else { return nil }
        return (name, content)
      }
    }
  }

  let node: JSONValue
  /// By namespace and name.
  let pods: [Pod]
  let freshness: Freshness

  init(_ body: [UInt8], freshness: Freshness, origin: String) throws(Miss) {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: body)
    } catch {
      throw Miss(.badExposition, "\(origin): not a summary in JSON (\(error)): \(excerpt(of: body))")
    }
    guard let node = document["node"], node.object != nil else {
      throw Miss(.badExposition, "\(origin): not a kubelet's summary, it has no node: \(excerpt(of: body))")
    }
    var newest: [ContainerReference: Pod] = [:]
    for pod in document["pods"]?.array ?? [] {
      guard let namespace = pod["podRef"]?["namespace"]?.string, let name = pod["podRef"]?["name"]?.string, !name.isEmpty else { continue }
      let key = ContainerReference(namespace: namespace, pod: name, container: "")
      // RFC 3339 in one zone sorts as text.
      if let other = newest[key], other.content["startTime"]?.string ?? "" >= pod["startTime"]?.string ?? "" { continue }
      newest[key] = Pod(namespace: namespace, name: name, content: pod)
    }
    self.node = node
    self.freshness = freshness
    pods = newest.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension Freshness {
  /// Of a part of a summary in milliseconds since 1970; `nil` for one that says none.
  func time(of part: JSONValue) -> Int64? {
    part["time"]?.string.flatMap(unixMilliseconds(ofRFC3339:))
  }

  func isFresh(_ part: JSONValue) -> Bool { time(of: part).map(covers) ?? true }
}
