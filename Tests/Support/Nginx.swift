internal import Foundation

/// A real nginx that serves files from its own folder. `servers` is the content of its `http` block; `$folder`, `$network` (the first
/// three numbers of addresses that are this nginx's alone) and `$port` in it are filled in. It must listen on `$network.1:$port`. What it
/// was asked is in `accessLog`, one line per request: address, request line, status, encoding of the response, and the scrape timeout that
/// the client announced.
package final class Nginx: Sendable {
  package static let isInstalled = findProgram("nginx") != nil

  package let folder: TemporaryFolder
  /// Tests run side by side: where each listens in a network of its own, none can take another's port.
  package var network: String { address.network }
  package var host: String { address.host }
  package var port: Int { address.port }
  private let address = OwnAddress()
  private let program: ExternalProgram

  package init(files: [String: String] = [:], servers: String) async throws {
    folder = try TemporaryFolder()
    for (name, text) in files {
      let directory = "\(folder.path)/\(name)".split(separator: "/").dropLast().joined(separator: "/")
      try FileManager.default.createDirectory(atPath: "/\(directory)", withIntermediateDirectories: true)
      _ = try folder.write(text, to: name)
    }
    let filled = servers.replacing("$folder", with: folder.path).replacing("$network", with: address.network)
      .replacing("$port", with: "\(address.port)")
    // Started by root, its worker would become nobody, who may not look into the folder.
    let user = getuid() == 0 ? "user root;" : ""
    let configuration = """
      \(user)
      daemon off;
      worker_processes 1;
      error_log stderr;
      pid \(folder.path)/nginx.pid;
      events { worker_connections 512; }
      http {
        log_format asked '$server_addr "$request" $status "$sent_http_content_encoding" "$http_x_prometheus_scrape_timeout_seconds"';
        access_log \(folder.path)/access.log asked;
        client_body_temp_path \(folder.path)/body;
        proxy_temp_path \(folder.path)/proxy;
        fastcgi_temp_path \(folder.path)/fastcgi;
        uwsgi_temp_path \(folder.path)/uwsgi;
        scgi_temp_path \(folder.path)/scgi;
        default_type "text/plain; version=0.0.4; charset=utf-8";
        gzip on;
        gzip_types *;
        gzip_min_length 1;
        \(filled)
      }
      """
    let file = try folder.write(configuration, to: "nginx.conf")
    program = try ExternalProgram("nginx", ["-p", folder.path, "-c", file], log: "\(folder.path)/nginx.log")
    try await program.waitForPort(address)
  }

  deinit { program.stop() }

  /// The log once it has that many lines: nginx writes a line after it has sent the answer.
  package func accessLog(of count: Int) async throws -> [String] {
    try await eventually("nginx has logged \(count) requests") { accessLog.count >= count }
    return accessLog
  }

  package var accessLog: [String] {
    let text = (try? String(contentsOfFile: "\(folder.path)/access.log", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }
}
