internal import Collector
internal import HTTPTransport
internal import Push

extension ControllerSettings {
  /// Of the receiver by remote write, if there is one.
  var remoteWriteSettings: PushSettings? {
    guard let url = remoteWrite else { return nil }
    var settings = pushSettings(url: url, spool: "remote-write")
    settings.tls = TLSOptions(
      certificateAuthorities: remoteWriteCAFile.map { .file($0) }, clientCertificate: remoteWriteCertificateFile.map { .file($0) },
      clientKey: remoteWriteKeyFile.map { .file($0) }, verification: remoteWriteSkipsVerification ? .none : .full)
    return settings
  }

  /// Of Open-Falcon, if there is one.
  var openFalconSettings: PushSettings? {
    guard let url = openFalcon else { return nil }
    var settings = pushSettings(url: url, spool: "open-falcon")
    settings.form = .openFalcon(step: interval)
    return settings
  }

  private func pushSettings(url: PushURL, spool: String) -> PushSettings {
    var settings = PushSettings(url: url.text)
    settings.labels = externalLabels
    settings.shards = pushShards
    settings.samplesPerRequest = pushSamplesPerSend
    settings.longestWait = pushSendDeadline
    settings.deadline = pushTimeout
    settings.memoryLimit = pushMemory
    settings.spoolFolder = pushSpoolFolder.map { "\($0)/\(spool)" }
    settings.spoolLimit = pushSpoolLimit
    return settings
  }

  var remoteWriteHeaders: PushHeaders {
    guard let path = remoteWriteHeadersFile else { return { .success([]) } }
    let file = HeadersFile(path: path)
    return {
      do throws(Miss) {
        return .success(try file.headers())
      } catch {
        return .failure(PushHeadersError(error.detail))
      }
    }
  }
}
