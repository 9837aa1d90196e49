/// What is done with a page while a `ExpositionParser` walks over it. Bytes that are handed in are those of the page, and valid during the
/// call only.
package protocol ExpositionVisitor {
  /// What is to be done with a family. Asked when the page comes to it, not for each sample.
  mutating func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment

  /// The samples that follow bear this name, which is their family's or begins with it. Told of families that are kept.
  mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer)

  /// Rewrites a set of labels, once for each different set of a page and treatment. `index` counts up from 0 on each page.
  mutating func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8)

  /// A HELP line of a family that is kept; the text is still escaped.
  mutating func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer)

  /// A TYPE line of a family that is kept.
  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer)

  /// A sample of a family that is kept: the index of its label set; its number as it is written; its time in milliseconds since 1970,
  /// where it has one.
  mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?)
}

extension ExpositionVisitor {
  package mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer) {}
}

/// Whether a family goes through, and which of a rule's ways its labels take.
package enum FamilyTreatment: Hashable, Sendable {
  case drop
  /// The number is the rule's own, below 255: families whose labels are rewritten alike share it.
  case keep(UInt8)
}
