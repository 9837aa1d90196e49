import JSON
import Testing

@testable import YAML

/// Parses a text with one document as `test.yaml`.
func parse(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLNode {
  try YAMLNode(parsing: text.utf8, file: "test.yaml", limits: limits)
}

/// Parses a text that must fail, and returns the error.
func failure(_ text: String, limits: YAMLLimits = YAMLLimits()) throws -> YAMLError {
  try #require(throws: YAMLError.self) { try parse(text, limits: limits) }
}

/// The line and column of an error.
func position(of error: YAMLError) -> [Int] {
  [error.mark.line, error.mark.column]
}
