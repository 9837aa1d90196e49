import Foundation
import JSON
import TestSupport
import Testing

@testable import KubeClient

/// Which EndpointSlices a server accepts, and what it says of others.
@Suite(.timeLimit(.minutes(5))) struct ConformanceEndpointSliceTests {
  /// The answers of a real API server, of Kubernetes 1.36.2. `ROLLCALL_UPDATE_GOLDEN=1` writes those of the server under test, if it is real.
  private static let answers = GoldenFile("KubeClientTests/Fixtures/endpoint-slices.golden")

  @Test(arguments: APIServerUnderTest.all)
  func `R103: EndpointSlices are accepted and refused with the same texts`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      var lines: [String] = []
      for (number, one) in EndpointSliceCases.all.enumerated() {
        lines.append("\(one.name): \(try await answer(to: one, named: "slice-\(number)", fixture))")
      }
      for slice in try await fixture.client.list(.endpointSlices, fixture.selection).items {
        try await fixture.delete(.endpointSlices, slice.name ?? "")
      }
      let expected = try fixture.isReal ? Self.answers.text(comparedWith: lines.joined(separator: "\n") + "\n") : Self.answers.text
      let differences = expected.split(separator: "\n").map(String.init).difference(from: lines)
      #expect(differences.isEmpty && expected.split(separator: "\n").count == EndpointSliceCases.all.count)
    }
  }

  /// What is stored, or the refusal.
  private func answer(to one: EndpointSliceCases.Case, named name: String, _ fixture: Fixture) async throws -> String {
    func named(_ slice: JSONValue) -> JSONValue {
      var slice = slice
      slice["metadata"]?["name"] = .string(name)
      slice["metadata"]?["namespace"] = .string(fixture.namespace)
      return slice
    }
    if let old = one.old { try await fixture.client.create(named(old)) }
    do throws(KubeError) {
      let stored =
        one.old == nil ? try await fixture.client.create(named(one.slice)) : try await fixture.client.replace(named(one.slice))
      var content: JSONValue = [:]
      for member in ["addressType", "endpoints", "ports"] { content[member] = stored[member] }
      content["labels"] = stored["metadata"]?["labels"]
      let text = String(decoding: content.bytes, as: UTF8.self)
      return text.utf8.count < 500 ? text : "accepted"
    } catch {
      let status = try #require(error.status, "\(error)")
      return "\(status.code) \(status.reason) \(status.causes): \(status.message.replacing(name, with: "NAME"))"
    }
  }
}
