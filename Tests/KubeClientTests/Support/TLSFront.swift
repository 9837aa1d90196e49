import Foundation
import TestSupport

@testable import KubeClient

/// nginx that terminates TLS and reports the client certificate.
struct TLSFront {
  let folder: TemporaryFolder
  let address = OwnAddress()
  private let nginx: ExternalProgram

  /// Accepts clients with a certificate of `clientAuthority`, or all clients. Responds with a JSON object that names the client
  /// certificate, or with 401 if `Authorization` is not `acceptedToken`. With an `upstream`, forwards requests to that URL with the client
  /// certificate in `X-Caller` and the connection in `X-Connection`.
  init(
    folder: TemporaryFolder, signedBy authority: TestAuthority, clientAuthority: String? = nil, acceptedToken: String? = nil,
    upstream: String? = nil
  ) async throws {
    self.folder = folder
    let certificate = try authority.issue("server", subjectAlternativeName: "IP:\(address.host)", usage: "serverAuth")
    let client = clientAuthority.map { "ssl_client_certificate \($0); ssl_verify_client on;" } ?? ""
    let refusal = acceptedToken.map { "if ($http_authorization != \"Bearer \($0)\") { return 401 '{}'; }" } ?? ""
    let action =
      upstream.map { url in
        """
        proxy_pass \(url);
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_set_header X-Caller $ssl_client_s_dn;
        proxy_set_header X-Connection $connection;
        """
      } ?? #"return 200 '{"caller":"$ssl_client_s_dn","token":"$http_authorization"}';"#
    let configuration = try folder.write(
      """
      user root;
      daemon off;
      pid nginx.pid;
      error_log stderr;
      events { worker_connections 64; }
      http {
        access_log off;
        default_type application/json;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        server {
          listen \(address) ssl;
          ssl_certificate \(certificate.certificate);
          ssl_certificate_key \(certificate.key);
          \(client)
          location / { \(refusal) \(action) }
        }
      }
      """, to: "nginx.conf")
    nginx = try ExternalProgram("nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], log: folder.path + "/nginx.log")
    try await nginx.waitForPort(address)
  }

  var url: String { "https://\(address)" }

  func stop() { nginx.stop() }
}

/// Replaces a file atomically.
func replaceFile(_ source: String, to target: String) throws {
  let bytes = try Data(contentsOf: URL(filePath: source))
  try bytes.write(to: URL(filePath: target), options: .atomic)
}
