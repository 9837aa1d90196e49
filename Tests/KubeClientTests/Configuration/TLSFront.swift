import Foundation
import TestSupport

@testable import KubeClient

/// nginx, which speaks TLS and says who it was called by, where a test needs real certificates.
struct TLSFront {
  let folder: TemporaryFolder
  let address = OwnAddress()
  private let nginx: ExternalProgram

  /// Answers everybody whom `clientAuthority` signed, or everybody, with a JSON object that names the client certificate; 401 where the
  /// request has an `Authorization` other than `acceptedToken`. With an `upstream`, hands requests on to that URL, and says in `X-Caller` who
  /// made them and in `X-Connection` on which connection they came.
  init(
    folder: TemporaryFolder, signedBy authority: TestAuthority, clientAuthority: String? = nil, acceptedToken: String? = nil,
    upstream: String? = nil
  ) async throws {
    self.folder = folder
    let certificate = try authority.issue("server", subjectAlternativeName: "IP:\(address.host)", usage: "serverAuth")
    let client = clientAuthority.map { "ssl_client_certificate \($0); ssl_verify_client on;" } ?? ""
    let refusal = acceptedToken.map { "if ($http_authorization != \"Bearer \($0)\") { return 401 '{}'; }" } ?? ""
    let answer =
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
          location / { \(refusal) \(answer) }
        }
      }
      """, to: "nginx.conf")
    nginx = try ExternalProgram("nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], log: folder.path + "/nginx.log")
    try await nginx.waitForPort(address)
  }

  var url: String { "https://\(address)" }

  func stop() { nginx.stop() }
}

/// Puts a file in the place of another at once, as a rotating tool does.
func rotate(_ source: String, to target: String) throws {
  let bytes = try Data(contentsOf: URL(filePath: source))
  try bytes.write(to: URL(filePath: target), options: .atomic)
}
