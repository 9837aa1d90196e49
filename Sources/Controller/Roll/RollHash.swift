internal import Crypto
import Roll

extension RollEntries {
  /// SHA-256 over the entries in their order, in hexadecimal. Each text stands behind its length, so that no two rolls are alike by
  /// where one text ends and the next begins.
  var rollHash: String {
    var hash = SHA256()
    var buffer: [UInt8] = []
    func append(_ text: String, to buffer: inout [UInt8]) {
      Swift.withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { buffer.append(contentsOf: $0) }
      buffer.append(contentsOf: text.utf8)
    }
    for entry in self {
      buffer.removeAll(keepingCapacity: true)
      append(entry.reference.namespace, to: &buffer)
      append(entry.reference.pod, to: &buffer)
      append(entry.reference.container, to: &buffer)
      append(entry.podUID, to: &buffer)
      append(entry.containerID, to: &buffer)
      append(entry.podIP ?? "", to: &buffer)
      buffer.append(entry.hostNetwork ? 1 : 0)
      hash.update(data: buffer)
    }
    let digits = [UInt8]("0123456789abcdef".utf8)
    return String(decoding: hash.finalize().flatMap { byte -> [UInt8] in [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }, as: UTF8.self)
  }
}
