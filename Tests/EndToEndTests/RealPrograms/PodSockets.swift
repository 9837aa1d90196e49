/// Known numbers of sockets of one address family, and the program that opens them in a pod.
struct PodSockets {
  var family: String
  /// The last one has a full accept queue.
  var listening: Int
  /// Connections with both ends open.
  var connected: Int
  /// Connections with one end closed: it is a mini-socket in FIN_WAIT_2, which counts as TIME_WAIT, the other end in CLOSE_WAIT.
  var closeWait: Int
  /// Connections closed at both ends.
  var timeWait: Int
  /// Connections with one end closed while the other end never reads the data in flight.
  var finWait1: Int
  /// The same, but the other end has shut down writing first and is in FIN_WAIT_2 with a process.
  var lastAck: Int
  /// Connections in the accept queue of a listening socket that does not accept.
  var waiting: Int
  /// Connections that found this queue full.
  var synSent: Int
  var udp: Int

  static let both = [
    PodSockets(
      family: "ipv4", listening: 4, connected: 5, closeWait: 3, timeWait: 6, finWait1: 2, lastAck: 1, waiting: 3, synSent: 2, udp: 7),
    PodSockets(
      family: "ipv6", listening: 3, connected: 4, closeWait: 2, timeWait: 5, finWait1: 3, lastAck: 2, waiting: 2, synSent: 1, udp: 4),
  ]

  /// The numbers by the value of the label `state`.
  var states: [String: Int] {
    [
      "listen": listening, "established": 2 * connected + 2 * waiting + finWait1, "close_wait": closeWait,
      "time_wait": timeWaitOfSockstat, "fin_wait_1": finWait1, "fin_wait_2": lastAck, "last_ack": lastAck, "syn_sent": synSent,
      "syn_recv": 0, "close": 0,
      "closing": 0,
    ]
  }

  /// The same as the kernel lists them, and cAdvisor with it: mini-sockets by the state that they replace.
  var listedStates: [String: Int] {
    states.merging(["time_wait": timeWait, "fin_wait_2": closeWait + lastAck]) { $1 }
  }

  var orphans: Int { finWait1 + lastAck }

  /// The kernel's timewait sockets, which include FIN_WAIT_2 without a process.
  var timeWaitOfSockstat: Int { timeWait + closeWait }

  var inUse: Int { states.values.reduce(0, +) - timeWaitOfSockstat }

  /// A shell script that opens the sockets of both families and holds them. It needs perl from the host.
  static var script: String {
    let calls = both.map { sockets in
      """
      make(\(sockets.family == "ipv4" ? "AF_INET" : "AF_INET6"), listening => \(sockets.listening), connected => \(sockets.connected),
        close_wait => \(sockets.closeWait), time_wait => \(sockets.timeWait), fin_wait_1 => \(sockets.finWait1),
        last_ack => \(sockets.lastAck), waiting => \(sockets.waiting), syn_sent => \(sockets.synSent), udp => \(sockets.udp));
      """
    }
    return "exec /usr/bin/perl -e '\(program)\(calls.joined(separator: "\n"))\nsleep;'"
  }

  private static let program = """
    use strict; use IO::Handle; use Socket qw(:all);
    my @held;
    sub make {
      my ($family, %count) = @_;
      my $at = sub { $family == AF_INET ? pack_sockaddr_in($_[0], INADDR_LOOPBACK) : pack_sockaddr_in6($_[0], IN6ADDR_LOOPBACK) };
      my $new = sub { socket(my $socket, $family, $_[0], 0) or die "socket: $!"; return $socket };
      my $listen = sub {
        my $socket = $new->(SOCK_STREAM);
        bind($socket, $at->(0)) && listen($socket, $_[0]) or die "listen: $!";
        push @held, $socket;
        return $socket;
      };
      my $listener = $listen->(16);
      my $open = sub {
        my $client = $new->(SOCK_STREAM);
        setsockopt($client, SOL_SOCKET, SO_RCVBUF, 4096);
        connect($client, getsockname($listener)) && accept(my $server, $listener) or die "connect: $!";
        return ($client, $server);
      };
      my $fill = sub { $_[0]->blocking(0); 1 while syswrite($_[0], "x" x 65536) };
      $listen->(16) for 3 .. $count{listening};
      push @held, $open->() for 1 .. $count{connected};
      for (1 .. $count{close_wait}) { my ($client, $server) = $open->(); close $server; push @held, $client }
      for (1 .. $count{time_wait}) { my ($client, $server) = $open->(); close $server; sysread $client, my $end, 1; close $client }
      for (1 .. $count{fin_wait_1}) { my ($client, $server) = $open->(); $fill->($server); close $server; push @held, $client }
      for (1 .. $count{last_ack}) {
        my ($client, $server) = $open->();
        $fill->($server); shutdown $client, SHUT_WR; close $server;
        push @held, $client;
      }
      # The kernel queues one more than the backlog.
      my $full = $listen->($count{waiting} - 1);
      for (1 .. $count{waiting} + $count{syn_sent}) {
        my $client = $new->(SOCK_STREAM);
        $client->blocking(0); connect($client, getsockname($full));
        push @held, $client;
      }
      for (1 .. $count{udp}) { my $socket = $new->(SOCK_DGRAM); bind($socket, $at->(0)) or die "bind: $!"; push @held, $socket }
    }

    """
}
