internal import FoundationEssentials

/// Standard base64, with padding and without line breaks.
func base64(_ bytes: [UInt8]) -> String {
  Data(bytes).base64EncodedString()
}

/// The bytes of standard base64, which may be broken into lines; `nil` for anything else.
func bytes(base64 text: String) -> [UInt8]? {
  Data(base64Encoded: text.filter { !$0.isWhitespace }).map { [UInt8]($0) }
}
