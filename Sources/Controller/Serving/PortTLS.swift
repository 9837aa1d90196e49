internal import FoundationEssentials
internal import Logging
internal import NIOSSL
internal import Synchronization
internal import TLSServing

/// The TLS context of the port, rebuilt when its certificate changes. Connections keep the one that they began with.
final class PortTLS: Sendable {
  /// How often the certificate is looked at. It is compared as a whole: times of files hide changes.
  private static let interval: Duration = .seconds(2)

  private let certificate: @Sendable () throws -> PortCertificate?
  private let logger: Logger
  private let loaded = Mutex<NIOSSLContext?>(nil)

  /// - Parameter certificate: the present certificate; `nil` while there is none yet.
  init(logger: Logger, certificate: @escaping @Sendable () throws -> PortCertificate?) {
    self.logger = logger
    self.certificate = certificate
  }

  /// `nil` until there is a certificate.
  var context: NIOSSLContext? { loaded.withLock { $0 } }

  /// Follows the certificate until the task is cancelled.
  func run() async {
    var seen: PortCertificate?
    var problem: String?
    while true {
      do {
        if let found = try certificate(), found != seen {
          let context = try Self.context(found)
          loaded.withLock { $0 = context }
          logger.notice(seen == nil ? "certificate of this port loaded" : "certificate of this port replaced")
          seen = found
        }
        problem = nil
      } catch {
        // The last usable certificate stays in use: a renewal may be half written.
        if problem != "\(error)" { logger.warning("cannot use the certificate of this port", metadata: ["error": "\(error)"]) }
        problem = "\(error)"
      }
      do { try await Task.sleep(for: Self.interval) } catch { return }
    }
  }

  /// Reads `tls.crt` and `tls.key`, the keys of a Kubernetes TLS Secret.
  static func files(in folder: String) -> @Sendable () throws -> PortCertificate? {
    @Sendable func read(_ name: String) throws -> [UInt8] {
      do {
        return [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
      } catch {
        throw Unusable(description: "cannot read \(folder)/\(name), which --listen-tls-dir names")
      }
    }
    return { PortCertificate(chain: try read("tls.crt"), key: try read("tls.key")) }
  }

  private static func context(_ certificate: PortCertificate) throws -> NIOSSLContext {
    func parse<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
      do {
        return try body()
      } catch {
        throw Unusable(description: "\(what): \(TLSFailure(error))")
      }
    }
    let chain = try parse("the certificate") { try NIOSSLCertificate.fromPEMBytes(certificate.chain) }
    guard !chain.isEmpty else { throw Unusable(description: "the certificate: the text contains none") }
    let key = try parse("the key") { try NIOSSLPrivateKey(bytes: certificate.key, format: .pem) }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    return try parse("the certificate with its key") { try NIOSSLContext(configuration: configuration) }
  }

  private struct Unusable: Error, CustomStringConvertible {
    let description: String
  }
}

extension TLSFailure {
  /// What the operator can do about a failed handshake at our port; `nil` if there is nothing particular to do.
  var portAdvice: String? {
    switch self {
    case .untrustedByClient:
      "the client verifies us by another authority or name; ca.crt of the Secret rollcall-tls and rollcall-controller fit"
    case .noClientCertificate, .untrustedClient, .notTLS, .closedByClient, .tooSlow, .other: nil
    }
  }
}
