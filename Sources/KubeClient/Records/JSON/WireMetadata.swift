/// `ObjectMeta` as it stands in JSON.
struct WireMetadata: Decodable {
  var name: String?
  var namespace: String?
  var uid: String?
  var resourceVersion: String?
  var deletionTimestamp: String?
  var labels: [String: String]?
  var annotations: [String: String]?
}
