import AsyncPrimitives
import Primitives
import Synchronization

/// The state of sending to one Alertmanager.
package struct AlertmanagerStatus: Hashable, Sendable {
  /// As configured, without user and password.
  package var url: String
  /// The address to which the name in the URL leads; empty while that cannot be looked up.
  package var address: String
  /// Alerts accepted, repeats included.
  package var sent = 0
  /// Gaps without an alert, because there are too many.
  package var leftOut = 0
  /// Alerts refused in a request of their own.
  package var refused = 0
  /// Requests that failed.
  package var failures = 0
  /// Why the last request failed; `nil` if it succeeded.
  package var problem: String?
}

/// One Alertmanager: an address of a URL.
final class AlertmanagerMember: Sendable {
  private struct State {
    var status: AlertmanagerStatus
    var isGone = false
  }

  let address: String
  let family: IPAddress.Family?
  let wakeup = Wakeup()
  private let state: Mutex<State>

  init(url: AlertmanagerURL, address: String) {
    self.address = address
    family = IPAddress(address)?.family
    state = Mutex(State(status: AlertmanagerStatus(url: url.description, address: address)))
  }

  var status: AlertmanagerStatus { state.withLock { $0.status } }
  /// Whether the name no longer leads to it.
  var isGone: Bool { state.withLock { $0.isGone } }

  func update<Result>(_ body: (inout AlertmanagerStatus) -> Result) -> Result { state.withLock { body(&$0.status) } }

  func leave() {
    state.withLock { $0.isGone = true }
    wakeup.signal()
  }
}

/// The Alertmanagers to which one URL leads. The members of a cluster do not tell each other of alerts, so each must be sent all of them; a
/// headless Service gives them one name.
final class AlertmanagerMembers: Sendable {
  private struct State {
    var members: [AlertmanagerMember] = []
    /// Why the name cannot be looked up, and how often that failed.
    var problem: String?
    var failures = 0
  }

  let url: AlertmanagerURL
  private let state = Mutex(State())

  init(url: AlertmanagerURL) {
    self.url = url
  }

  /// Replaces the addresses. Members at addresses that stay are kept.
  /// - Returns: the new members.
  func set(_ addresses: [String]) -> [AlertmanagerMember] {
    let (new, gone) = state.withLock { state in
      let known = Set(state.members.map(\.address))
      let gone = state.members.filter { !addresses.contains($0.address) }
      let new = addresses.filter { !known.contains($0) }.map { AlertmanagerMember(url: url, address: $0) }
      state.members = state.members.filter { addresses.contains($0.address) } + new
      state.problem = nil
      return (new, gone)
    }
    for member in gone { member.leave() }
    return new
  }

  /// Records that the name cannot be looked up. The last known addresses stay.
  /// - Returns: whether that is new.
  func failed(_ problem: String) -> Bool {
    state.withLock { state in
      defer { state.problem = problem }
      state.failures += 1
      return state.problem == nil
    }
  }

  func signal() {
    for member in members { member.wakeup.signal() }
  }

  /// Whether the member is the second address of an Alertmanager that accepts alerts at an address of the other family. A name in a cluster
  /// with both families, or `localhost`, leads to each Alertmanager twice, and not every server listens at both.
  func isAlternative(_ member: AlertmanagerMember) -> Bool {
    member.status.sent == 0 && members.contains { $0.family != member.family && $0.status.sent > 0 }
  }

  var statuses: [AlertmanagerStatus] {
    let (members, problem, failures) = state.withLock { ($0.members, $0.problem, $0.failures) }
    if members.isEmpty, let problem {
      var status = AlertmanagerStatus(url: url.description, address: "")
      status.problem = problem
      status.failures = failures
      return [status]
    }
    return members.filter { !isAlternative($0) }.map(\.status)
  }

  private var members: [AlertmanagerMember] { state.withLock { $0.members } }
}
