/// A value in a YAML document, with its position.
package struct YAMLNode: Sendable {
  package enum Kind: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping(YAMLMapping)
  }

  package var kind: Kind
  /// The start of the value; for an alias, the start of the anchored value.
  package var mark: YAMLMark

  package init(kind: Kind, mark: YAMLMark) {
    self.kind = kind
    self.mark = mark
  }
}

/// A scalar value.
package struct YAMLScalar: Hashable, Sendable {
  package enum Style: Hashable, Sendable {
    /// Unquoted: `text` may be a number, a boolean or null.
    case plain
    /// Quoted, or a block after `|` or `>`: always a string.
    case quoted
  }

  /// The text with quotes and escapes resolved.
  package var text: String
  package var style: Style
  /// The explicit tag. Takes precedence over the style.
  package var tag: YAMLTag?

  package init(text: String, style: Style, tag: YAMLTag? = nil) {
    self.text = text
    self.style = style
    self.tag = tag
  }
}

/// Keys and values in the order of the text. Keys are unique scalars.
package struct YAMLMapping: Sendable {
  package struct Entry: Sendable {
    package var key: String
    package var keyMark: YAMLMark
    package var value: YAMLNode

    package init(key: String, keyMark: YAMLMark, value: YAMLNode) {
      self.key = key
      self.keyMark = keyMark
      self.value = value
    }
  }

  package var entries: [Entry]
  package var mark: YAMLMark

  package init(entries: [Entry], mark: YAMLMark) {
    self.entries = entries
    self.mark = mark
  }

  /// The value of a key; `nil` if the key is missing. A key without a value has the value null.
  package subscript(key: String) -> YAMLNode? {
    entries.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }
}

/// The tags of YAML's core schema. Any other tag is an error.
///
/// Source: YAML 1.2.2, section 10.3.
package enum YAMLTag: String, Hashable, Sendable {
  case string = "tag:yaml.org,2002:str"
  case integer = "tag:yaml.org,2002:int"
  case float = "tag:yaml.org,2002:float"
  case boolean = "tag:yaml.org,2002:bool"
  case null = "tag:yaml.org,2002:null"
  case sequence = "tag:yaml.org,2002:seq"
  case mapping = "tag:yaml.org,2002:map"
}
