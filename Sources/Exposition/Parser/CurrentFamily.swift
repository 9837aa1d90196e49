internal import Glibc

/// The parser's state about the current family: its name and its treatment.
///
/// A sample belongs to the last announced family if its name is the family's name plus an optional suffix. A sample without a HELP or TYPE
/// line before it forms its own family.
struct CurrentFamily: Sendable {
  /// Name of the last sample. Empty if it was in quotes: without them it might not be a name.
  private var name: [UInt8] = []
  private(set) var nameHash: UInt64 = 0
  /// Name in the last HELP or TYPE line.
  private var announced: [UInt8] = []
  private var treatment = FamilyTreatment.drop
  private var announcedTreatment = FamilyTreatment.drop

  var isDropped: Bool { treatment == .drop }

  /// Distinguishes the label sets of differently treated families. Dropped families have the highest number.
  var treatmentNumber: UInt8 {
    switch treatment {
    case .keep(let number): min(number, 254)
    case .drop: 255
    }
  }

  /// The length of the last sample's name if the text starts with the same name.
  @inline(__always)
  func lengthOfSameName(at text: UnsafePointer<UInt8>, available: Int) -> Int? {
    let length = name.count
    guard length > 0, length < available, !text[length].isNamePart,
      name.withUnsafeBytes({ bytes in bytes.baseAddress.map { memcmp($0, text, length) == 0 } ?? false })
    else { return nil }
    return length
  }

  /// Handles the name in a HELP or TYPE line.
  /// - Returns: whether the family is kept.
  mutating func announce(_ family: UnsafeRawBufferPointer, _ visitor: inout some ExpositionVisitor) -> Bool {
    if !announced.withUnsafeBytes({ $0.isEqual(to: family) }) {
      announced.removeAll(keepingCapacity: true)
      announced.append(contentsOf: family)
      announcedTreatment = visitor.treatment(ofFamily: family)
      name.removeAll(keepingCapacity: true)
    }
    return announcedTreatment != .drop
  }

  /// Handles a sample whose name differs from the last one's, or was in quotes.
  mutating func enter(_ sample: UnsafeRawBufferPointer, isQuoted: Bool = false, _ visitor: inout some ExpositionVisitor) {
    name.removeAll(keepingCapacity: true)
    if !isQuoted { name.append(contentsOf: sample) }
    nameHash = hash(of: sample)
    if belongsToAnnounced(sample) {
      treatment = announcedTreatment
      if !isDropped { announced.withUnsafeBytes { visitor.enter(family: $0, sample: sample) } }
    } else {
      treatment = visitor.treatment(ofFamily: sample)
      if !isDropped { visitor.enter(family: sample, sample: sample) }
    }
  }

  private func belongsToAnnounced(_ sample: UnsafeRawBufferPointer) -> Bool {
    guard !announced.isEmpty, sample.count >= announced.count,
      announced.withUnsafeBytes({ $0.isEqual(to: UnsafeRawBufferPointer(rebasing: sample[..<$0.count])) })
    else { return false }
    return FamilySuffix(UnsafeRawBufferPointer(rebasing: sample[announced.count...])) != nil
  }
}
