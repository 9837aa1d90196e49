/// The name and version of both executables.
package enum ProductVersion {
  package static let current = "0.1.0"

  /// For the header `User-Agent` of our requests.
  package static let userAgent = "rollcall/\(current)"
}
