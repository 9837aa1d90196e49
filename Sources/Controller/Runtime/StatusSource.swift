/// A part of the controller whose status is shown on the status page, in metrics or at /readyz.
package protocol StatusSource<Status>: Sendable {
  associatedtype Status: Sendable

  /// A consistent snapshot of the current status.
  var status: Status { get }
}
