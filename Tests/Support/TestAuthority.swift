internal import Foundation

/// A certificate authority for one test, made by the openssl command in a folder of the test's.
///
///     let authority = try TestAuthority(in: folder, name: "cluster")
///     let agent = try authority.issue("agent", subjectAlternativeName: "DNS:rollcall-agent,IP:127.0.0.1", usage: "serverAuth")
package struct TestAuthority: Sendable {
  package struct Issued: Sendable {
    /// PEM files.
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// The authority's own certificate, a PEM file.
  package let certificate: String
  private let key: String
  private let folder: TemporaryFolder

  package init(in folder: TemporaryFolder, name: String) throws {
    self.folder = folder
    certificate = "\(folder.path)/\(name).crt"
    key = "\(folder.path)/\(name).key"
    try Self.request(
      in: folder, name: name, ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"])
  }

  /// A certificate with that common name; `usage` is `serverAuth` or `clientAuth`.
  package func issue(_ name: String, subjectAlternativeName: String? = nil, usage: String) throws -> Issued {
    let names = subjectAlternativeName.map { ["-addext", "subjectAltName=\($0)"] } ?? []
    try Self.request(
      in: folder, name: name,
      ["-CA", certificate, "-CAkey", key, "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=\(usage)"] + names)
    return Issued(certificate: "\(folder.path)/\(name).crt", key: "\(folder.path)/\(name).key")
  }

  /// With a configuration of its own: the system's would add extensions to every certificate.
  private static func request(in folder: TemporaryFolder, name: String, _ arguments: [String]) throws {
    let configuration = try folder.write("[req]\ndistinguished_name = dn\n[dn]\n", to: "openssl.cnf")
    let log = "\(folder.path)/openssl.log"
    let status = try SpawnedProcess(
      try requireProgram("openssl"),
      ["req", "-x509", "-config", configuration, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=\(name)", "-keyout", "\(folder.path)/\(name).key", "-out", "\(folder.path)/\(name).crt"] + arguments,
      outputPath: log
    ).wait()
    guard status == 0 else {
      let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      throw ExternalProgramError(description: "openssl cannot make \(name): \(said)")
    }
  }
}
