import Foundation
import TestSupport

/// nginx with the configuration of `manifests/virtual-kubelet`, and what it needs beside it: certificates, and a name server.
struct VirtualKubeletFront {
  /// The authority of every certificate here, and of the API server's.
  let authority: TestAuthority
  let address = OwnAddress()
  private let folder: TemporaryFolder
  private let nginx: ExternalProgram
  private let nameServer: ExternalProgram

  static let isInstalled = Nginx.isInstalled && findProgram("dnsmasq") != nil

  /// - Parameters:
  ///   - rollcall: the addresses of the controllers; they share a port.
  ///   - rollcallAuthority: PEM.
  ///   - kubelet: `host:port`.
  init(
    node: String, rollcall: [OwnAddress], rollcallAuthority: String, kubelet: String, checksTokens: Bool = false,
    authority: TestAuthority, folder: TemporaryFolder
  ) async throws {
    self.authority = authority
    self.folder = folder
    let own = try authority.issue("front", subjectAlternativeName: "DNS:rollcall-virtual-kubelet", usage: "serverAuth,clientAuth")
    let names = OwnAddress()
    let hosts = try folder.write(rollcall.map { "\($0.host) controllers.test\n" }.joined(), to: "hosts")
    nameServer = try ExternalProgram(
      "dnsmasq",
      [
        "--keep-in-foreground", "--no-resolv", "--no-hosts", "--addn-hosts=\(hosts)", "--local=/test/", "--port=\(names.port)",
        "--listen-address=\(names.host)", "--bind-interfaces", "--pid-file=", "--user=root", "--conf-file=/dev/null",
      ], log: "\(folder.path)/dnsmasq.log")
    let variables = [
      "NODE_NAME": node, "KUBELET": kubelet, "KUBELET_NAME": "virtual-kubelet", "API_SERVER_NAME": "kube-apiserver-kubelet-client",
      "KUBELET_CHECKS_TOKENS": checksTokens ? "on" : "off", "ROLLCALL": "controllers.test:\(rollcall.first?.port ?? 9)",
      "LISTEN": "\(address)", "NGINX_LOCAL_RESOLVERS": "\(names)",
    ]
    var text = try Repository.text("manifests/virtual-kubelet/node/nginx.conf.template")
    text = text.replacing("/tmp/", with: "\(folder.path)/front-")
    for (name, value) in variables { text = text.replacing("${\(name)}", with: value) }
    for (member, file) in [
      "tls.crt": own.certificate, "tls.key": own.key, "client-ca.crt": authority.certificate, "rollcall-ca.crt": rollcallAuthority,
      "ca.crt": authority.certificate,
    ] {
      text = text.replacing("/etc/rollcall/kubelet/\(member)", with: file)
    }
    let configuration = try folder.write(text, to: "front.conf")
    // Started by root, its worker would become nobody, who may not look into the folder.
    let user = getuid() == 0 ? " user root;" : ""
    nginx = try ExternalProgram(
      "nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration, "-g", "daemon off;\(user)"], log: "\(folder.path)/front.log")
    try await nameServer.waitForPort(names)
    try await nginx.waitForPort(address)
  }

  func stop() {
    nginx.stop()
    nameServer.stop()
  }

  /// What curl gets, followed by the status.
  func get(_ path: String, client: TestAuthority.Issued? = nil, token: String? = nil) async throws -> String {
    let certificate = client.map { ["--cert", $0.certificate, "--key", $0.key] } ?? []
    let header = token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
    let curl = try ExternalProgram(
      "curl",
      [
        "-s", "--max-time", "20", "--cacert", authority.certificate, "--connect-to", "rollcall-virtual-kubelet:443:\(address)",
        "-w", "%{http_code}", "https://rollcall-virtual-kubelet\(path)",
      ] + certificate + header, log: "\(folder.path)/curl.log")
    _ = try await curl.waitForExit()
    return curl.output
  }
}
