import FoundationEssentials
import JSON

extension TableColumn {
  static let configMap: [TableColumn] = [name, count("Data") { entries($0["data"]) + entries($0["binaryData"]) }, age]

  static let secret: [TableColumn] = [name, text("Type") { $0["type"]?.string ?? "" }, count("Data") { entries($0["data"]) }, age]

  static let namespace: [TableColumn] = [name, text("Status") { $0["status"]?["phase"]?.string ?? "" }, age]

  static let lease: [TableColumn] = [name, text("Holder") { $0["spec"]?["holderIdentity"]?.string ?? "" }, age]

  static let event: [TableColumn] = [
    TableColumn("Last Seen") { event, now in
      .string(Age.text(since: event["series"]?["lastObservedTime"] ?? event["lastTimestamp"] ?? event["eventTime"], now: now))
    },
    text("Type") { $0["type"]?.string ?? "" },
    text("Reason") { $0["reason"]?.string ?? "" },
    text("Object") { event in
      "\((event["involvedObject"]?["kind"]?.string ?? "").lowercased())/\(event["involvedObject"]?["name"]?.string ?? "")"
    },
    text("Subobject", isWide: true) { $0["involvedObject"]?["fieldPath"]?.string ?? "" },
    text("Source", isWide: true) { event in
      [event["source"]?["component"]?.string ?? event["reportingComponent"]?.string, event["source"]?["host"]?.string]
        .compactMap(\.self).joined(separator: ", ")
    },
    text("Message") { ($0["message"]?.string ?? "").trimmed },
    TableColumn("First Seen", isWide: true) { event, now in
      .string(Age.text(since: event["firstTimestamp"] ?? event["eventTime"], now: now))
    },
    text("Count", isWide: true) { event in String(event["series"]?["count"]?.integer ?? event["count"]?.integer ?? 1) },
    text("Name", isWide: true) { $0.name },
  ]

  static let deployment: [TableColumn] =
    [
      name,
      text("Ready") { "\(status($0, "readyReplicas"))/\($0["spec"]?["replicas"]?.integer ?? 1)" },
      count("Up-to-date") { status($0, "updatedReplicas") },
      count("Available") { status($0, "availableReplicas") },
      age,
    ] + workload

  static let daemonSet: [TableColumn] =
    [
      name,
      count("Desired") { status($0, "desiredNumberScheduled") },
      count("Current") { status($0, "currentNumberScheduled") },
      count("Ready") { status($0, "numberReady") },
      count("Up-to-date") { status($0, "updatedNumberScheduled") },
      count("Available") { status($0, "numberAvailable") },
      text("Node Selector") { (podSpec($0)?["nodeSelector"]?.pairs ?? "").orNone },
      age,
    ] + workload

  private static let workload: [TableColumn] = [
    text("Containers", isWide: true) { containers($0, "name") },
    text("Images", isWide: true) { containers($0, "image") },
    text("Selector", isWide: true) { ($0["spec"]?["selector"]?["matchLabels"]?.pairs ?? "").orNone },
  ]

  private static func entries(_ object: JSONValue?) -> Int64 { Int64(object?.object?.count ?? 0) }

  private static func status(_ object: JSONValue, _ member: String) -> Int64 { object["status"]?[member]?.integer ?? 0 }

  private static func podSpec(_ object: JSONValue) -> JSONValue? { object["spec"]?["template"]?["spec"] }

  private static func containers(_ object: JSONValue, _ member: String) -> String {
    (podSpec(object)?["containers"]?.array ?? []).compactMap { $0[member]?.string }.joined(separator: ",")
  }
}
