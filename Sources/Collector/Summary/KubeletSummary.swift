internal import JSON
internal import Roll

/// A kubelet's response at `/stats/summary`. Any part can be missing.
///
/// Each part has its own time. A part that was older than the limit when the response was sent counts as missing: kubelets keep serving
/// values that the runtime no longer updates.
/// Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go.
struct KubeletSummary {
  /// A pod. If two have the same name, the one that started last.
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
  /// Sorted by namespace and name.
  let pods: [Pod]
  let freshness: Freshness

  init(_ body: [UInt8], freshness: Freshness, origin: String) throws(Miss) {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: body)
    } catch {
      throw Miss(.badExposition, "\(origin): not a JSON summary (\(error)): \(excerpt(of: body))")
    }
    guard let node = document["node"], node.object != nil else {
      throw Miss(.badExposition, "\(origin): not a kubelet's summary: it has no node: \(excerpt(of: body))")
    }
    var newest: [ContainerReference: Pod] = [:]
    for pod in document["pods"]?.array ?? [] {
      guard let namespace = pod["podRef"]?["namespace"]?.string, let name = pod["podRef"]?["name"]?.string, !name.isEmpty else { continue }
      let key = ContainerReference(namespace: namespace, pod: name, container: "")
      // RFC 3339 times in the same zone sort as text.
      if let other = newest[key], other.content["startTime"]?.string ?? "" >= pod["startTime"]?.string ?? "" { continue }
      newest[key] = Pod(namespace: namespace, name: name, content: pod)
    }
    self.node = node
    self.freshness = freshness
    pods = newest.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension Freshness {
  /// The time of a part of a summary, in milliseconds since 1970.
  func time(of part: JSONValue) -> Int64? {
    part["time"]?.string.flatMap(unixMilliseconds(ofRFC3339:))
  }

  func isFresh(_ part: JSONValue) -> Bool { time(of: part).map(covers) ?? true }
}
