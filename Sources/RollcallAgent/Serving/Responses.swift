import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
  /// A plain text response; a line feed is appended.
  static func text(_ status: HTTPResponse.Status, _ text: String, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.contentType] = "text/plain; charset=utf-8"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
  }

  static func methodNotAllowed(_ allowed: HTTPRequest.Method) -> Response {
    .text(.methodNotAllowed, "method not allowed; use \(allowed.rawValue)", headers: [.allow: allowed.rawValue])
  }
}
