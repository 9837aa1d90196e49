import JSON
import Testing

@testable import Simulator

@Suite struct PrintingTests {
  @Test(arguments: [
    (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (599, "9m59s"), (600, "10m"), (10_799, "179m"),
    (10_800, "3h"), (11_700, "3h15m"), (28_800, "8h"), (172_799, "47h"), (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"),
    (63_072_000, "2y"), (64_000_000, "2y10d"), (252_288_000, "8y"),
  ])
  func `ages are abbreviated`(seconds: Int, text: String) {
    #expect(Age.text(seconds: seconds) == text)
  }

  private func cells(_ object: JSONValue, _ columns: [TableColumn]) -> [JSONValue] {
    columns.map { $0.cell(object, Sample.time) }
  }

  @Test func `the row of a node`() {
    var node = Sample.node("n")
    node.setMetadata("creationTimestamp", "2023-11-14T22:13:00Z")
    #expect(
      cells(node, TableColumn.node) == [
        "n", "Ready", "control-plane", "20s", "v1.32.1", "10.1.1.1", "<none>", "Debian", "6.1", "containerd://1.7",
      ])
    node["spec"] = ["unschedulable": true]
    node["status"]?["conditions"] = [["type": "Ready", "status": "Unknown"]]
    #expect(cells(node, TableColumn.node)[1] == "NotReady,SchedulingDisabled")
  }

  @Test(arguments: [
    (#"{"phase":"Running","containerStatuses":[{"ready":true,"state":{"running":{}}}]}"#, "1/2", "Running"),
    (#"{"phase":"Pending"}"#, "0/2", "Pending"), (#"{"phase":"Failed","reason":"Evicted"}"#, "0/2", "Evicted"),
    (#"{"phase":"Running","containerStatuses":[{"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}"#, "0/2", "CrashLoopBackOff"),
    (#"{"phase":"Running","containerStatuses":[{"state":{"terminated":{"exitCode":3}}}]}"#, "0/2", "ExitCode:3"),
    (#"{"phase":"Pending","initContainerStatuses":[{"state":{"running":{}}}]}"#, "0/2", "Init:0/1"),
    (#"{"phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}"#, "0/2", "Init:Error"),
    (#"{"phase":"Succeeded","containerStatuses":[{"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}"#, "0/2", "Completed"),
  ])
  func `the status column of pods`(status: String, ready: JSONValue, text: JSONValue) throws {
    let pod: JSONValue = [
      "metadata": ["name": "p"], "spec": ["containers": [[:], [:]], "initContainers": [[:]]], "status": try Sample.object(status),
    ]
    let cells = cells(pod, TableColumn.pod)
    #expect(cells[1] == ready && cells[2] == text)
  }

  @Test func `restarts show the age of the last one`() throws {
    let pod: JSONValue = [
      "metadata": ["name": "p", "deletionTimestamp": "2023-11-14T22:13:00Z"], "spec": ["containers": [[:]], "nodeName": "n"],
      "status": try Sample.object(
        #"""
        {"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],"containerStatuses":[{"ready":true,"restartCount":2,"state":{"running":{}},
         "lastState":{"terminated":{"finishedAt":"2023-11-14T22:10:00Z"}}}]}
        """#),
    ]
    #expect(
      cells(pod, TableColumn.pod)
        == ["p", "1/1", "Terminating", "2 (3m20s ago)", "<unknown>", "10.0.0.1", "n", "<none>", "<none>"])
  }

  @Test func `endpoints are abbreviated`() {
    let object = Sample.slice("s", addresses: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"])
    #expect(cells(object, TableColumn.endpointSlice).dropLast() == ["s", "IPv4", "80", "10.0.0.1,10.0.0.2,10.0.0.3 + 2 more..."])
  }
}
