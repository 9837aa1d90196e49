/// The constants of list and watch, with what led to them.
public struct WatchPolicy: Hashable, Sendable {
  public static let standard = WatchPolicy()

  /// Objects a page: at 6.4 KB a Pod a page is 3.2 MB, and 150,000 Pods are 300 requests. It is what client-go asks for.
  public var pageSize = 500
}
