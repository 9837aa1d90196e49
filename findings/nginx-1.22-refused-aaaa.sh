#!/usr/bin/env bash
# nginx 1.22 does not resolve a name whose IPv4 address the name server gives, if the server refuses to be asked for the IPv6 address.
# It asks for A and AAAA. The answer to A has an address (NOERROR), that to AAAA is REFUSED (rcode 5), as of a server that forwards nothing
# and knows the name by its hosts file. nginx answers 502, "could not be resolved (5: Operation refused)"; getaddrinfo(3) returns the
# address, and so does nginx with `ipv6=off`.
# Debian's package, pinned, in a temporary folder. Exits 1 if the behaviour is another one.
set -euo pipefail
version=1.22.1-9+deb12u11
folder=$(mktemp -d)
pids=()
finish() {
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
apt-get download -qq "nginx=$version" 2>/dev/null
dpkg-deb -x nginx_*.deb .
cat >dns.py <<'PYTHON'
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 19453))
while True:
    query, client = server.recvfrom(512)
    end = query.index(b"\0", 12) + 5
    question, is_a = query[12:end], query[end - 4 : end - 2] == b"\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + bytes([127, 0, 0, 1]) if is_a else b""
    flags = b"\x85\x80" if is_a else b"\x81\x85"  # NOERROR; REFUSED
    server.sendto(query[:2] + flags + b"\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0" + question + answer, client)
PYTHON
python3 dns.py &
pids+=($!)
user=""
[ "$(id -u)" != 0 ] || user="user root;"
# shellcheck disable=SC2016
location='set $name backend.test:19454; proxy_pass http://$name;'
cat >nginx.conf <<NGINX
$user
daemon off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen 127.0.0.1:19454; return 200 "hello\n"; }
  server { listen 127.0.0.1:19455; resolver 127.0.0.1:19453; location / { $location } }
  server { listen 127.0.0.1:19456; resolver 127.0.0.1:19453 ipv6=off; location / { $location } }
}
NGINX
usr/sbin/nginx -p "$folder" -e error.log -c "$folder/nginx.conf" &
pids+=($!)
status() { curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$1/"; }
for _ in $(seq 100); do
  ! status 19454 >/dev/null || break
  sleep 0.1
done
without=$(status 19456)
with=$(status 19455)
usr/sbin/nginx -v 2>&1
grep -o 'backend.test could not be resolved.*refused)' error.log | head -n 1 || true
echo "with AAAA refused: $with; with ipv6=off: $without"
[ "$with $without" = "502 200" ]
