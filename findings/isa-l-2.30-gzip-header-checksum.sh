#!/usr/bin/env bash
# ISA-L 2.30 refuses a valid gzip header that has a checksum of its own (FHCRC, RFC 1952 2.3.1) if the header arrives in two pieces:
# isal_inflate returns ISAL_INCORRECT_CHECKSUM (-6), wherever the header is cut. In one piece the same bytes are read, and a header without
# that checksum is read in pieces as well. A reader of a network stream cannot choose where its pieces end.
# Debian's packages, pinned, in a temporary folder; needs gcc and python3. Exits 1 if the behaviour is another one.
set -euo pipefail
version=2.30.0-5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "libisal2=$version" "libisal-dev=$version" 2>/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
python3 - <<'PYTHON'
import struct, zlib

text = b"rollcall_up 1\n"
deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
body = deflate.compress(text) + deflate.flush() + struct.pack("<II", zlib.crc32(text), len(text))
plain = b"\x1f\x8b\x08\x00" + bytes(5) + b"\xff"
checked = b"\x1f\x8b\x08\x02" + bytes(5) + b"\xff"
checked += struct.pack("<H", zlib.crc32(checked) & 0xFFFF)
open("plain.gz", "wb").write(plain + body)
open("checked.gz", "wb").write(checked + body)
PYTHON
for file in plain checked; do [ "$(gzip -dc $file.gz)" = 'rollcall_up 1' ]; done
cat >pieces.c <<'C'
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>

/* Inflates FILE in two pieces, cut at each byte of a header of LENGTH, and after it. */
int main(int count, char **arguments) {
  static unsigned char in[4096], out[4096];
  FILE *file = fopen(arguments[1], "rb");
  size_t size = fread(in, 1, sizeof in, file), header = atoi(arguments[2]);
  for (size_t cut = 1; cut <= header; cut++) {
    struct inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_out = out, state.avail_out = sizeof out;
    state.next_in = in, state.avail_in = cut;
    int result = isal_inflate(&state);
    if (result == 0) {
      state.next_in = in + cut, state.avail_in = size - cut;
      result = isal_inflate(&state);
    }
    printf("%d ", result);
  }
  puts("");
}
C
libraries=$(dirname usr/lib/*/libisal.so.2)
gcc -Iusr/include pieces.c -o pieces "$libraries/libisal.so.2" -Wl,-rpath,"$PWD/$libraries"
echo "ISA-L $version"
echo "header without a checksum, cut after 1 to 10 bytes: $(./pieces plain.gz 10 | tee plain)"
echo "header with a checksum, cut after 1 to 12 bytes:    $(./pieces checked.gz 12 | tee checked)"
[ "$(cat plain)" = '0 0 0 0 0 0 0 0 0 0 ' ]
[ "$(cat checked)" = '-6 -6 -6 -6 -6 -6 -6 -6 -6 -6 -6 0 ' ]
