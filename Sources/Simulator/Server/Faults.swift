import JSON
import Synchronization

/// A rejection that a test injects.
package struct Rejection: Sendable {
  /// The HTTP status and the `Status` object of the response.
  package var failure: APIFailure
  /// The number of requests to reject.
  package var count: Int
  /// Only requests of this verb; `nil` for all.
  package var verb: Verb?
  /// Only requests for this resource, such as `endpointslices.discovery.k8s.io`; `nil` for all.
  package var resource: String?
  /// Only requests for the object with this name; `nil` for all.
  package var name: String?

  /// - Parameter retryAfter: seconds for the `Retry-After` header.
  package init(
    status: Int, reason: String, message: String = "refused by the test", retryAfter: Int? = nil, count: Int = 1, verb: Verb? = nil,
    resource: String? = nil, name: String? = nil
  ) {
    failure = APIFailure(code: status, reason: reason, message: message)
    if let retryAfter { failure.details["retryAfterSeconds"] = .integer(Int64(retryAfter)) }
    self.count = count
    self.verb = verb
    self.resource = resource
    self.name = name
  }
}

/// The pending rejections, and the counts of received requests.
final class FaultInjector: Sendable {
  private struct State {
    var rejections: [Rejection] = []
    var counts: [Request: Int] = [:]
  }

  private struct Request: Hashable {
    var verb: Verb
    var resource: String
  }

  private let state = Mutex(State())

  func add(_ rejection: Rejection) {
    state.withLock { $0.rejections.append(rejection) }
  }

  /// Counts the request.
  /// - Throws: the failure of the first matching rejection, whose count goes down by one.
  func admit(_ verb: Verb, _ resource: String, _ name: String) throws(APIFailure) {
    let failure: APIFailure? = state.withLock { state in
      state.counts[Request(verb: verb, resource: resource), default: 0] += 1
      let index = state.rejections.firstIndex {
        $0.count > 0 && $0.verb ?? verb == verb && $0.resource ?? resource == resource && $0.name ?? name == name
      }
      guard let index else { return nil }
      state.rejections[index].count -= 1
      let failure = state.rejections[index].failure
      if state.rejections[index].count == 0 { state.rejections.remove(at: index) }
      return failure
    }
    if let failure { throw failure }
  }

  func requestCount(_ verb: Verb?, _ resource: String?) -> Int {
    state.withLock { state in
      state.counts.reduce(0) { sum, entry in
        (verb ?? entry.key.verb) == entry.key.verb && (resource ?? entry.key.resource) == entry.key.resource ? sum + entry.value : sum
      }
    }
  }
}
