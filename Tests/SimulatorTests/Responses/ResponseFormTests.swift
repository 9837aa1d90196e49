import Testing

@testable import Simulator

@Suite struct ResponseFormTests {
  private static let json = ResponseForm()
  private static let protobuf = ResponseForm(encoding: .protobuf)
  private static let table = ResponseForm(encoding: .json, shape: .table)

  @Test(arguments: [
    ("", json), ("*/*", json), ("application/json", json), ("application/vnd.kubernetes.protobuf", protobuf),
    ("application/vnd.kubernetes.protobuf,application/json", protobuf), ("application/json, application/vnd.kubernetes.protobuf", json),
    ("application/json;q=0.5, application/vnd.kubernetes.protobuf;q=0.9", protobuf),
    ("application/vnd.kubernetes.protobuf;q=0, */*", json), ("text/html, application/json;q=0.1", json),
    ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", table),
    ("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", json),
    ("application/vnd.kubernetes.protobuf;stream=watch", protobuf),
  ])
  func `the form for pods follows the Accept header`(accept: String, expected: ResponseForm) throws {
    #expect(try ResponseForm.negotiated(accept, kind: ResourceTable.pods) == expected)
  }

  @Test func `kinds without a message are served as JSON only`() throws {
    let kind = ResourceTable.leases
    #expect(try ResponseForm.negotiated("application/vnd.kubernetes.protobuf, application/json", kind: kind) == Self.json)
    for accept in ["application/vnd.kubernetes.protobuf", "text/plain", "application/vnd.kubernetes.protobuf, application/json;q=0"] {
      let failure = #expect(throws: APIFailure.self) { try ResponseForm.negotiated(accept, kind: kind) }
      #expect(failure?.code == 406)
    }
  }
}
