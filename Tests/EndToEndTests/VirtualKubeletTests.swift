import Foundation
import HTTPTransport
import JSON
import Simulator
import TestSupport
import Testing
import YAML

/// nginx in front of a virtual kubelet's port, as `manifests/virtual-kubelet` configures it.
@Suite(
  .timeLimit(.minutes(5)),
  .enabled(if: VirtualKubeletFront.isInstalled && findProgram("curl") != nil, "nginx, dnsmasq or curl is not installed"))
struct VirtualKubeletTests {
  private static func page(cpu: Int) -> String {
    """
    container_cpu_usage_seconds_total{container="app",cpu="total",id="/app"} \(cpu)
    container_memory_working_set_bytes{container="app",id="/app"} 4096
    container_start_time_seconds{container="app",id="/app"} 1704067200

    """
  }

  @Test func `R97: metrics-server reads a virtual node through nginx from the controller that leads, and others need its role`()
    async throws
  {
    let pages = try await Nginx(
      files: ["web/metrics/cadvisor": Self.page(cpu: 3)], servers: "server { listen $network.1:$port; root $folder; }")
    let pod = VirtualNodeObjects.pod("web", on: "v0", ip: pages.host, cadvisor: "http://:\(pages.port)/web/metrics/cadvisor")
    let roles = try ["default", "virtual-kubelet"].flatMap { folder in
      try YAMLNode.documents(parsing: Repository.text("manifests/\(folder)/access.yaml").utf8, file: "access.yaml").map(\.jsonValue)
    }.filter { $0["kind"]?.string?.hasPrefix("ClusterRole") == true }
    let settings = ["--listen-tls", "on", "--trust-loopback", "off", "--interval", "1s"]
    try await RunningController.run([VirtualNodeObjects.node("v0"), pod] + roles, settings, pod: "rollcall-0") { first in
      let tokens = first.apiServer.setToken
      tokens("metrics-server", .serviceAccount("metrics-server", namespace: "kube-system"))
      tokens("prometheus", .serviceAccount("prometheus-k8s", namespace: "monitoring"))
      tokens("stranger", .serviceAccount("web", namespace: "shop"))
      let second = try await first.startAnother(pod: "rollcall-1")
      defer { second.program.stop() }
      let folder = try TemporaryFolder()
      let rollcallAuthority = try await first.authority(in: folder)
      let front = try await VirtualKubeletFront(
        node: "v0", rollcall: [first.address, second.address], rollcallAuthority: rollcallAuthority, kubelet: "\(OwnAddress())",
        authority: TestAuthority(in: folder, name: "authority"), folder: folder)
      defer { front.stop() }

      func reading() async throws -> MetricsServerReading? {
        let text = try await front.get("/metrics/resource", token: "metrics-server")
        return text.hasSuffix("200") ? MetricsServerReading(text) : nil
      }
      try await eventually("metrics-server finds the pod") { try await reading()?.pods["shop/web"]?["app"]?.cpu == 3 }
      // The node's CPU is what its pods have used since they were first read.
      _ = try pages.folder.write(Self.page(cpu: 5), to: "web/metrics/cadvisor")
      try await eventually("and the node") { try await reading()?.nodeCPU == 2 }
      let last = try #require(try await reading())
      #expect(last.nodeMemory == 4096 && Array(last.pods.keys) == ["shop/web"])
      let container = try #require(last.pods["shop/web"]?["app"])
      #expect(container.cpu == 5 && container.memory == 4096 && container.start == 1_704_067_200 && container.time > 1_704_067_200_000)
      // Whichever controller is asked first.
      for _ in 0..<10 { #expect(try await reading() != nil) }

      #expect(try await front.get("/metrics/resource").hasSuffix("401"))
      #expect(try await front.get("/metrics/resource", token: "unknown").hasSuffix("401"))
      #expect(try await front.get("/metrics/resource", token: "stranger").hasSuffix("403"))
      #expect(try await front.get("/stats/summary", token: "metrics-server").hasSuffix("403"))
      #expect(try await front.get("/stats/summary?node=other", token: "prometheus").contains(#""nodeName":"v0""#))
      #expect(try await front.get("/metrics/cadvisor", token: "prometheus").contains(#"container="app""#))

      first.program.send(signal: SIGTERM)
      _ = try await first.program.waitForExit()
      try await eventually("the next leader answers") { try await reading()?.pods["shop/web"]?["app"]?.cpu == 5 }
    }
  }

  @Test func `R97: everything else is the kubelet's, for the API server, and with a token only if the kubelet checks it`() async throws {
    let folder = try TemporaryFolder()
    let authority = try TestAuthority(in: folder, name: "authority")
    let certificate = try authority.issue("kubelet", subjectAlternativeName: "DNS:virtual-kubelet", usage: "serverAuth")
    // The container of `kubectl exec`: it upgrades the connection, reads and writes.
    let container = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 101, headers: [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1")])
      let typed = try connection.readRequest()
      try connection.send("heard \(typed?.target ?? "nothing")")
      connection.finish()
    }
    defer { container.stop() }
    let kubelet = try await Nginx(
      servers: #"""
        server {
          listen $network.1:$port ssl;
          ssl_certificate \#(certificate.certificate); ssl_certificate_key \#(certificate.key);
          ssl_client_certificate \#(authority.certificate); ssl_verify_client optional;
          location / { return 200 "$request_uri from $ssl_client_s_dn, token $http_authorization;"; }
          location /exec/ {
            proxy_pass \#(container.url); proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
          }
        }
        """#)
    let apiServer = try authority.issue("kube-apiserver-kubelet-client", usage: "clientAuth")
    let user = try authority.issue("jane", usage: "clientAuth")
    // The text of another member of the subject is not the common name.
    let impostor = try authority.issue("jane,CN=kube-apiserver-kubelet-client", usage: "clientAuth")
    for checksTokens in [false, true] {
      let own = try TemporaryFolder()
      let front = try await VirtualKubeletFront(
        node: "v0", rollcall: [OwnAddress()], rollcallAuthority: authority.certificate, kubelet: "\(kubelet.host):\(kubelet.port)",
        checksTokens: checksTokens, authority: authority, folder: own)
      defer { front.stop() }
      let path = "/containerLogs/shop/web/app?follow=true&a=%2F"
      // The kubelet sees nginx's certificate, and no token beside it.
      let ofAPIServer = "\(path) from CN=front, token ;200"
      #expect(try await front.get(path, client: apiServer) == ofAPIServer)
      #expect(try await front.get(path, client: apiServer, token: "any") == ofAPIServer)
      // nodes/proxy: the API server has taken the token off.
      #expect(try await front.get("/metrics/resource", client: apiServer) == "/metrics/resource from CN=front, token ;200")
      for client in [nil, user, impostor] { #expect(try await front.get(path, client: client).hasSuffix("401")) }
      // With a token, no certificate.
      let answer = try await front.get(path, client: user, token: "jane's")
      #expect(checksTokens ? answer == "\(path) from , token Bearer jane's;200" : answer.hasSuffix("401"))

      let upgrade = "GET /exec/shop/web/app HTTP/1.1\r\nHost: kubelet\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
      let input = try own.write(upgrade + "GET /typed HTTP/1.1\r\n\r\n", to: "input")
      let command =
        "openssl s_client -quiet -connect \(front.address) -cert \(apiServer.certificate) -key \(apiServer.key) <\(input) 2>/dev/null"
      let shell = try ExternalProgram("sh", ["-c", command], log: "\(own.path)/upgrade.log")
      _ = try await shell.waitForExit()
      let output = shell.output
      #expect(output.hasPrefix("HTTP/1.1 101") && output.hasSuffix("heard /typed"), "\(output)")
    }
  }

  @Test(.enabled(if: Kustomization.isInstalled, "kubectl is not installed"))
  func `R97: nginx has every variable of its configuration, and reaches all controllers`() throws {
    let text = try Shell.run("kubectl", "kustomize", Repository.url("manifests/virtual-kubelet").path)
    let objects = try YAMLNode.documents(parsing: text.utf8, file: "virtual-kubelet").map(\.jsonValue) + Kustomization.objects()
    func object(_ kind: String, _ name: String) throws -> JSONValue {
      try #require(
        objects.first { $0["kind"]?.string == kind && $0["metadata"]?["name"]?.string?.hasPrefix(name) == true }, "\(kind) \(name)")
    }
    let pod = try #require(object("Deployment", "rollcall-virtual-kubelet")["spec"]?["template"])
    let variables = pod["spec"]?["containers"]?[0]?["env"]?.array?.compactMap { $0["name"]?.string } ?? []
    let template = try Repository.text("manifests/virtual-kubelet/node/nginx.conf.template")
    // The image's start script sets the name servers.
    let used = Set(template.matches(of: /\$\{([A-Z_]+)\}/).map { String($0.1) }).subtracting(["NGINX_LOCAL_RESOLVERS"])
    #expect(!used.isEmpty && used.isSubset(of: variables))
    let configMap = try object("ConfigMap", "rollcall-virtual-kubelet")
    #expect(configMap["data"]?["nginx.conf.template"]?.string == template)
    #expect(pod["spec"]?["volumes"]?[0]?["configMap"]?["name"] == configMap["metadata"]?["name"])

    #expect(try SimulatedAPIServer.secretNames(in: #require(pod["spec"])) == ["rollcall-virtual-kubelet"])

    let labels = pod["metadata"]?["labels"]
    #expect(try object("Service", "rollcall-virtual-kubelet")["spec"]?["selector"] == labels)
    let rule = try object("NetworkPolicy", "rollcall-virtual-kubelet")["spec"]?["ingress"]?[0]
    #expect(rule?["from"]?[0]?["podSelector"]?["matchLabels"] == labels)
    let controller = try object("Deployment", "rollcall-controller")["spec"]?["template"]
    let replicas = try object("Service", "rollcall-controllers")["spec"]
    #expect(replicas?["selector"] == controller?["metadata"]?["labels"] && replicas?["clusterIP"] == "None")
    #expect(replicas?["ports"]?[0]?["targetPort"] == rule?["ports"]?[0]?["port"])

    // A further node, as in the document.
    let folder = try TemporaryFolder()
    let document = try Repository.text("docs/virtual-nodes.md")
    let block = try #require(document.firstMatch(of: /```yaml\n(resources: \[\.\.\/virtual-kubelet\/node\]\n[^`]*)patches:/)?.1)
    let path = "../.." + Repository.url("manifests/virtual-kubelet/node").path
    _ = try folder.write(String(block).replacing("../virtual-kubelet/node", with: path), to: "kustomization.yaml")
    let further = try YAMLNode.documents(parsing: Shell.run("kubectl", "kustomize", folder.path).utf8, file: "further").map(\.jsonValue)
    let others = further.compactMap { $0["spec"]?["template"]?["metadata"]?["labels"] ?? $0["spec"]?["selector"] }
    #expect(further.count == 3 && others.count == 2 && others.allSatisfy { $0["rollcall.dev/virtual-node"] == "virtual-2" })
  }
}
