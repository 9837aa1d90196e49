/// A value in a YAML document, with its place in the text.
package struct YAMLNode: Sendable {
  package enum Kind: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping(YAMLMapping)
  }

  package var kind: Kind
  /// Where the value begins; where an alias stands for it, where its anchor is.
  package var mark: YAMLMark

  package init(kind: Kind, mark: YAMLMark) {
    self.kind = kind
    self.mark = mark
  }
}

/// A value that is written as one text.
package struct YAMLScalar: Hashable, Sendable {
  package enum Style: Hashable, Sendable {
    /// Without quotes: `text` may mean a number, a truth value or null.
    case plain
    /// In quotes, or as a block after `|` or `>`: always text.
    case quoted
  }

  /// As written, with quotes and escapes resolved.
  package var text: String
  package var style: Style
  /// What was said to it with `!!`, which goes before its style.
  package var tag: YAMLTag?

  package init(text: String, style: Style, tag: YAMLTag? = nil) {
    self.text = text
    self.style = style
    self.tag = tag
  }
}

/// Text keys and their values, in the order in which they were written, no key twice.
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

  /// The value of a key, `nil` where there is no such key. A key without a value has the value null.
  package subscript(key: String) -> YAMLNode? {
    entries.first { $0.key == key }?.value
  }
}

/// The tags of YAML's core schema. A text with any other tag is refused.
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
