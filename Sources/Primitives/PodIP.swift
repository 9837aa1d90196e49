/// An address in a Pod's status.
package enum PodIP: Hashable, Sendable {
  /// An address in its canonical text.
  case address(IPAddress)
  /// Any other text, unchanged: an address in another form, one with a zone, or no address at all.
  case text(String)

  package init(_ text: String) {
    if let address = IPAddress(text), address.v4 != nil || address.description == text {
      self = .address(address)
    } else {
      self = .text(text)
    }
  }
}

extension PodIP: CustomStringConvertible {
  package var description: String {
    switch self {
    case .address(let address): address.description
    case .text(let text): text
    }
  }
}
