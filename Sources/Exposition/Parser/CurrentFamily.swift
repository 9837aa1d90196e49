internal import Glibc

/// Where on its page a reader is: which family, and what is done with it.
///
/// The samples of a family bear its name, or its name and a suffix; samples without a HELP or TYPE line before them are their own family.
struct CurrentFamily: Sendable {
  /// Of the last sample.
  private var name: [UInt8] = []
  private(set) var nameHash: UInt64 = 0
  /// Of the last HELP or TYPE line.
  private var announced: [UInt8] = []
  private var treatment = FamilyTreatment.drop
  /// Of the family that was announced.
  private var announcedTreatment = FamilyTreatment.drop

  var isDropped: Bool { treatment == .drop }

  /// Tells the label sets of differently treated families apart; those of dropped ones have the highest number.
  var treatmentNumber: UInt8 {
    switch treatment {
    case .keep(let number): min(number, 254)
    case .drop: 255
    }
  }

  @inline(__always)
  func lengthOfSameName(at text: UnsafePointer<UInt8>, room: Int) -> Int? {
    let length = name.count
    guard length > 0, length < room, !text[length].isNamePart,
      name.withUnsafeBytes({ bytes in bytes.baseAddress.map { memcmp($0, text, length) == 0 } ?? false })
    else { return nil }
    return length
  }

  /// A HELP or TYPE line has come.
  /// - Returns: whether its family is kept.
  mutating func announce(_ family: UnsafeRawBufferPointer, _ consumer: inout some ExpositionVisitor) -> Bool {
    if !announced.withUnsafeBytes({ $0.isEqual(to: family) }) {
      announced.removeAll(keepingCapacity: true)
      announced.append(contentsOf: family)
      announcedTreatment = consumer.treatment(ofFamily: family)
      name.removeAll(keepingCapacity: true)
    }
    return announcedTreatment != .drop
  }

  /// A sample of another name than the last one has come.
  mutating func enter(_ sample: UnsafeRawBufferPointer, _ consumer: inout some ExpositionVisitor) {
    name.removeAll(keepingCapacity: true)
    name.append(contentsOf: sample)
    nameHash = hash(of: sample)
    if isOfAnnounced(sample) {
      treatment = announcedTreatment
      if !isDropped { announced.withUnsafeBytes { consumer.enter(family: $0, sample: sample) } }
    } else {
      treatment = consumer.treatment(ofFamily: sample)
      if !isDropped { consumer.enter(family: sample, sample: sample) }
    }
  }

  /// https://prometheus.io/docs/instrumenting/exposition_formats/ for the suffixes of 0.0.4, and OpenMetrics 1.0 for the rest.
  private func isOfAnnounced(_ sample: UnsafeRawBufferPointer) -> Bool {
    guard !announced.isEmpty, sample.count >= announced.count,
      announced.withUnsafeBytes({ $0.isEqual(to: UnsafeRawBufferPointer(rebasing: sample[..<$0.count])) })
    else { return false }
    return FamilySuffix(UnsafeRawBufferPointer(rebasing: sample[announced.count...])) != nil
  }
}

/// What a sample's name may have behind its family's.
package enum FamilySuffix: String, CaseIterable, Sendable {
  case none = ""
  case bucket = "_bucket"
  case sum = "_sum"
  case count = "_count"
  case total = "_total"
  case created = "_created"
  case info = "_info"
  case gcount = "_gcount"
  case gsum = "_gsum"

  package init?(_ bytes: UnsafeRawBufferPointer) {
    if bytes.isEmpty {
      self = .none
    } else {
      // Of the few names that have one at all.
      self.init(rawValue: String(decoding: bytes, as: UTF8.self))
    }
  }
}
