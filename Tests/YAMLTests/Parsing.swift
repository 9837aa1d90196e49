import JSON
import Testing

@testable import YAML

/// The single document of a text that stands for a file named `test.yaml`.
func parse(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLNode {
  try YAMLNode(parsing: text.utf8, file: "test.yaml", limits: limits)
}

/// The error that a text gives, which must be one.
func failure(_ text: String, limits: YAMLLimits = YAMLLimits()) throws -> YAMLError {
  try #require(throws: YAMLError.self) { try parse(text, limits: limits) }
}

/// `file:line:column` of an error, without the file.
func place(_ error: YAMLError) -> [Int] {
  [error.mark.line, error.mark.column]
}
