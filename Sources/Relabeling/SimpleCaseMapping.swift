extension String {
  /// Each code point by itself, as Go's `strings.ToLower` maps it. Swift's `lowercased()` depends on the context and may return more code
  /// points.
  var simplyLowercased: String { mapped(\.simpleLowercase) }

  /// Each code point by itself, as Go's `strings.ToUpper` maps it. Swift's `uppercased()` returns `SS` for `ß`.
  var simplyUppercased: String { mapped(\.simpleUppercase) }

  private func mapped(_ mapping: (Unicode.Scalar) -> Unicode.Scalar) -> String {
    var result = ""
    result.unicodeScalars.append(contentsOf: unicodeScalars.lazy.map(mapping))
    return result
  }
}

// Unicode has a simple mapping (one code point) and a full one for each code point; the standard library only the full one. They differ
// only where the full one has several code points: UnicodeData.txt and SpecialCasing.txt of the Unicode character database.

extension Unicode.Scalar {
  /// The only code point with a longer full mapping is U+0130.
  fileprivate var simpleLowercase: Unicode.Scalar {
    self == "\u{130}" ? "i" : properties.lowercaseMapping.onlyScalar ?? self
  }

  /// Where the full mapping is longer, the simple one is that to title case, such as that of U+1F80, or there is none, as of `ß`.
  fileprivate var simpleUppercase: Unicode.Scalar {
    properties.uppercaseMapping.onlyScalar ?? properties.titlecaseMapping.onlyScalar ?? self
  }
}

extension String {
  fileprivate var onlyScalar: Unicode.Scalar? {
    let scalars = unicodeScalars
    return scalars.count == 1 ? scalars.first : nil
  }
}
