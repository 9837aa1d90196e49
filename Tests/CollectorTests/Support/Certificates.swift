import Foundation
import HTTPTransport
import TestSupport

/// A CA with the certificates of an agent and a controller, as the leader issues them, but created by openssl.
struct Certificates {
  static let isPossible = findProgram("openssl") != nil

  let folder: TemporaryFolder

  init() async throws {
    folder = try TemporaryFolder()
    let extensions = try folder.write(
      """
      [req]
      distinguished_name = name
      [name]
      [ca]
      basicConstraints = critical,CA:TRUE
      keyUsage = critical,keyCertSign
      subjectKeyIdentifier = hash
      [agent]
      basicConstraints = critical,CA:FALSE
      extendedKeyUsage = serverAuth
      subjectAltName = DNS:rollcall-agent
      [controller]
      basicConstraints = critical,CA:FALSE
      extendedKeyUsage = clientAuth
      """, to: "openssl.conf")
    for (name, isSigned) in [("ca", false), ("agent", true), ("controller", true)] {
      var arguments = [
        "req", "-x509", "-config", extensions, "-extensions", name, "-subj", "/CN=rollcall-\(name)", "-days", "2", "-nodes",
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", path(name, "key"), "-out", path(name, "crt"),
      ]
      if isSigned {
        arguments += ["-CA", path("ca", "crt"), "-CAkey", path("ca", "key")]
      }
      let openssl = try ExternalProgram("openssl", arguments, log: path(name, "log"))
      let status = try await openssl.waitForExit()
      guard status == 0 else { throw OpenSSLFailed(description: "openssl ended with \(status): \(openssl.output)") }
    }
  }

  func path(_ name: String, _ suffix: String) -> String {
    "\(folder.path)/\(name).\(suffix)"
  }

  /// The controller's side.
  var controller: TLSOptions {
    TLSOptions(
      certificateAuthorities: .file(path("ca", "crt")), clientCertificate: .file(path("controller", "crt")),
      clientKey: .file(path("controller", "key")))
  }

  /// The directives of an nginx server with mutual TLS, as agents use it.
  var nginxServerSide: String {
    """
    ssl_certificate \(path("agent", "crt"));
    ssl_certificate_key \(path("agent", "key"));
    ssl_client_certificate \(path("ca", "crt"));
    ssl_verify_client on;
    """
  }
}

private struct OpenSSLFailed: Error, CustomStringConvertible {
  let description: String
}
