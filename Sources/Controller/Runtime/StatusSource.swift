/// A part of the controller whose status is served on the status page, in metrics or at /readyz.
package protocol StatusSource<Status>: Sendable {
  associatedtype Status: Sendable

  /// The status at this moment, as one consistent value.
  var status: Status { get }
}
