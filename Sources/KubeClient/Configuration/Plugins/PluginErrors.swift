/// What a plugin wrote to its standard error, fit for an error message: on one line, short, and without what may be a credential.
struct PluginErrors {
  private let content: String

  /// - Parameter secrets: texts that the plugin was given and that may be secret.
  init(_ bytes: [UInt8], secrets: [String]) {
    var content = String(decoding: bytes, as: UTF8.self)
    // Shorter ones are options and numbers, and would leave nothing readable.
    for secret in secrets where secret.utf8.count >= 8 {
      for range in content.ranges(of: secret).reversed() { content.replaceSubrange(range, with: "(redacted)") }
    }
    self.content = content
  }

  /// The end of it, which is where programs say what went wrong.
  func text(upTo limit: Int) -> String {
    let line = content.split { $0.isWhitespace || $0.unicodeScalars.allSatisfy { $0.value < 0x20 || $0.value == 0x7F } }
      .map(Self.redacted).joined(separator: " ")
    return line.count <= limit ? line : "…\(line.suffix(limit))"
  }

  /// Tokens and keys are long runs of small letters, capitals and digits; names, paths and addresses hardly ever are.
  private static func redacted(_ word: Substring) -> String {
    var text = ""
    var run = ""
    func flush() {
      let mixed = run.contains(where: \.isLowercase) && run.contains(where: \.isUppercase) && run.contains(where: \.isNumber)
      text += mixed && run.count >= 16 ? "(redacted)" : run
      run = ""
    }
    for character in word {
      if character.isASCII && (character.isLetter || character.isNumber || "+=_-".contains(character)) {
        run.append(character)
      } else {
        flush()
        text.append(character)
      }
    }
    flush()
    return text
  }
}
