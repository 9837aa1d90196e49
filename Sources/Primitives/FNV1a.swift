// FNV-1a hashes. Unlike `Hasher`, they are the same in every process. Do not use them for keys from an attacker.
// Constants: http://www.isthe.com/chongo/tech/comp/fnv/

/// The 64-bit hash of the bytes.
/// - Parameter hash: the hash of the preceding bytes, for hashing in parts.
@inlinable
package func fnv1a(_ bytes: some Sequence<UInt8>, after hash: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
  var hash = hash
  for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  return hash
}

/// The 32-bit hash of the bytes.
@inlinable
package func fnv1a32(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var hash: UInt32 = 0x811c_9dc5
  for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
  return hash
}
