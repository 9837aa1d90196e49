/// Receives the families and samples of a body from an `ExpositionParser`. Buffers point into the body and are valid during the call only.
package protocol ExpositionVisitor {
  /// Decides what to do with a family. Called when the parser reaches the family, not for each sample.
  mutating func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment

  /// Announces the name of the samples that follow: the family's name, possibly with a suffix. Called for kept families only.
  mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer)

  /// Rewrites a label set. Called once for each distinct combination of set and treatment in a body; `index` counts up from 0.
  mutating func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8)

  /// A HELP line of a kept family. The text is still escaped.
  mutating func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer)

  /// A TYPE line of a kept family.
  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer)

  /// A sample of a kept family.
  /// - Parameters:
  ///   - labels: the index of its label set.
  ///   - value: the number as written.
  ///   - timestamp: in milliseconds since 1970.
  mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?)
}

extension ExpositionVisitor {
  package mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer) {}
}

/// Whether a family is kept, and how its labels are rewritten.
package enum FamilyTreatment: Hashable, Sendable {
  case drop
  /// Keeps the family. Families whose labels are rewritten alike share a number below 255, chosen by the visitor.
  case keep(UInt8)
}
