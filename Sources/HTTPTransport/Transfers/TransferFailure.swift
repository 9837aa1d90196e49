internal import CCurl

extension Transfer {
  /// The outcome that libcurl's code means, with what we know of how far the transfer came.
  func outcome(of code: CURLcode) -> Exchange.Outcome {
    code == CURLE_OK ? .complete : .failed(failure(of: code))
  }

  /// What a transfer that is ended by our clock was waiting for.
  func timeout() -> HTTPTransportError {
    .timeout(phase, prepared.label.because("the time for the whole transfer is over, after \(bodyBytes) bytes of body"))
  }

  func idleTimeout() -> HTTPTransportError {
    .timeout(.idle, prepared.label.because("not a byte came for the time allowed, after \(bodyBytes) bytes of body"))
  }

  private var phase: HTTPTransportError.Phase {
    if !isConnected { return .connect }
    return hasHead ? .body : .head
  }

  /// Whoever has a proxy from the environment may not know of it.
  private var proxyInTheWay: String {
    guard !isConnected, let proxy = prepared.request.proxy else { return "" }
    return " (through the proxy \(HTTPTransportError.Detail.withoutSecrets(proxy)))"
  }

  private func failure(of code: CURLcode) -> HTTPTransportError {
    if let ownFailure { return ownFailure }
    let detail = prepared.label.because(easy.message(for: code) + proxyInTheWay)
    if !isConnected, let refused, code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK {
      return .refusedAddress(refused.address, prepared.label.because(refused.reason))
    }
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .resolve(detail)
    case CURLE_COULDNT_CONNECT, CURLE_PROXY: return .connect(detail)
    case CURLE_OPERATION_TIMEDOUT: return .timeout(phase, detail)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_CLIENTCERT, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
      return .tls(detail)
    case CURLE_FILESIZE_EXCEEDED: return .tooLarge(limit: prepared.request.maximumBodyBytes, detail)
    // The answer to a header line that never ends: libcurl takes 100 KB of one (CURL_MAX_HTTP_HEADER).
    case CURLE_OUT_OF_MEMORY where isConnected && !hasHead: return .tooLarge(limit: Int(CURL_MAX_HTTP_HEADER), detail)
    case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING: return .malformed(detail)
    case CURLE_URL_MALFORMAT: return .badRequest(detail)
    // In TLS 1.3 a server refuses our certificate after the handshake, when we already read: the alert is in the message only.
    case CURLE_RECV_ERROR where detail.reason.contains("SSL routines") && detail.reason.contains(" alert "): return .tls(detail)
    default: return isConnected ? .cut(detail) : .connect(detail)
    }
  }
}
