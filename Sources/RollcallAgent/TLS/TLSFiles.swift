import NIOSSL
import ProcFS
import TLSServing

/// Verification of client certificates against the authorities in `ca.crt`.
enum ClientCheck: Hashable, Sendable {
  /// No verification; `ca.crt` is not read.
  case none
  /// Client certificates are optional, but verified.
  case ifShown
  /// Client certificates are required and verified.
  case required
}

/// The contents of the certificate files.
struct TLSFiles: Equatable {
  private let check: ClientCheck
  var authorities: [UInt8]
  var certificate: [UInt8]
  var key: [UInt8]

  /// Reads `ca.crt` (if clients are verified), `tls.crt` and `tls.key`, the keys of a Kubernetes TLS Secret.
  /// - Throws: an error that names the file.
  init(in folder: String, checking check: ClientCheck) throws(ProcFSError) {
    self.check = check
    let directory = try Directory(folder)
    let buffer = ReadBuffer()
    func read(_ name: String) throws(ProcFSError) -> [UInt8] {
      try directory.read(name, into: buffer) { Array($0) }
    }
    authorities = check == .none ? [] : try read("ca.crt")
    certificate = try read("tls.crt")
    key = try read("tls.key")
  }

  /// Makes the TLS context of a server.
  /// - Throws: `TLSFilesError` with the invalid file.
  func makeContext() throws(TLSFilesError) -> NIOSSLContext {
    func parse<Value>(_ file: String, _ body: () throws -> Value) throws(TLSFilesError) -> Value {
      do {
        return try body()
      } catch {
        throw TLSFilesError(description: "cannot use \(file): \(TLSFailure(error))")
      }
    }
    let authorities = check == .none ? [] : try parse("ca.crt") { try NIOSSLCertificate.fromPEMBytes(self.authorities) }
    let chain = try parse("tls.crt") { try NIOSSLCertificate.fromPEMBytes(self.certificate) }
    let key = try parse("tls.key") { try NIOSSLPrivateKey(bytes: self.key, format: .pem) }
    // NIOSSL takes an empty list for the system's authorities, so anyone with a public certificate could call the roll.
    guard check == .none || !authorities.isEmpty else { throw TLSFilesError(description: "ca.crt contains no certificate") }
    guard !chain.isEmpty else { throw TLSFilesError(description: "tls.crt contains no certificate") }

    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    switch check {
    case .none: configuration.certificateVerification = .none
    case .ifShown:
      configuration.trustRoots = .certificates(authorities)
      configuration.certificateVerification = .optionalVerification
    case .required:
      configuration.trustRoots = .certificates(authorities)
      // Clients have no host name to verify, but must have a certificate.
      configuration.certificateVerification = .noHostnameVerification
    }
    configuration.minimumTLSVersion = .tlsv12
    return try parse("tls.crt with tls.key") { try NIOSSLContext(configuration: configuration) }
  }
}

struct TLSFilesError: Error, Hashable, CustomStringConvertible {
  let description: String
}
