import NIOSSL
import ProcFS

/// Who may connect.
enum ClientCheck: Hashable, Sendable {
  /// Everybody; `ca.crt` is not read.
  case none
  /// Everybody, but a certificate that is shown has to be of the authorities in `ca.crt`.
  case ifShown
  /// Who has a certificate of those authorities.
  case required
}

/// The files of TLS, as they are on disk.
struct TLSFiles: Equatable {
  private let check: ClientCheck
  var authorities: [UInt8]
  var certificate: [UInt8]
  var key: [UInt8]

  /// Reads `ca.crt` (where clients are checked), `tls.crt` and `tls.key`, the names of a Kubernetes TLS Secret.
  /// - Throws: an error whose text names the file.
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

  /// A server that takes the clients that it should, and nobody else.
  /// - Throws: `TLSFilesError` with the file that is wrong.
  func makeContext() throws(TLSFilesError) -> NIOSSLContext {
    func parse<Value>(_ file: String, _ body: () throws -> Value) throws(TLSFilesError) -> Value {
      do {
        return try body()
      } catch {
        throw TLSFilesError(description: "\(file) is not usable: \(error)")
      }
    }
    let authorities = check == .none ? [] : try parse("ca.crt") { try NIOSSLCertificate.fromPEMBytes(self.authorities) }
    let chain = try parse("tls.crt") { try NIOSSLCertificate.fromPEMBytes(self.certificate) }
    let key = try parse("tls.key") { try NIOSSLPrivateKey(bytes: self.key, format: .pem) }
    // An empty list of authorities would be taken for "the system's": then anybody with a public certificate could call the roll.
    guard check == .none || !authorities.isEmpty else { throw TLSFilesError(description: "ca.crt holds no certificate") }
    guard !chain.isEmpty else { throw TLSFilesError(description: "tls.crt holds no certificate") }

    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    switch check {
    case .none: configuration.certificateVerification = .none
    case .ifShown:
      configuration.trustRoots = .certificates(authorities)
      configuration.certificateVerification = .optionalVerification
    case .required:
      configuration.trustRoots = .certificates(authorities)
      // Clients have no host name to verify; the chain is verified, and there must be one.
      configuration.certificateVerification = .noHostnameVerification
    }
    configuration.minimumTLSVersion = .tlsv12
    return try parse("tls.crt with tls.key") { try NIOSSLContext(configuration: configuration) }
  }
}

struct TLSFilesError: Error, Hashable, CustomStringConvertible {
  let description: String
}
