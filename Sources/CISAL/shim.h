// What Swift cannot use of ISA-L: structs isal_zstream and inflate_state, whose tables are arrays too large for its importer.
#ifndef ROLLCALL_CISAL_SHIM_H
#define ROLLCALL_CISAL_SHIM_H

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

struct rollcall_gzip;

struct rollcall_gzip_state {
  struct isal_zstream stream;
  // Level 1: of all levels the one with the best ratio for the time on pages of metrics.
  uint8_t level_buffer[ISAL_DEF_LVL1_DEFAULT];
};

// NULL where there is no memory. free() releases it.
static inline struct rollcall_gzip *rollcall_gzip_make(void) {
  struct rollcall_gzip_state *state = malloc(sizeof *state);
  if (state == NULL) return NULL;
  isal_deflate_init(&state->stream);
  state->stream.level = 1;
  state->stream.level_buf = state->level_buffer;
  state->stream.level_buf_size = sizeof state->level_buffer;
  state->stream.gzip_flag = IGZIP_GZIP;
  return (struct rollcall_gzip *)state;
}

// What comes next; is_last ends the stream. The bytes must stay until all of them are taken.
static inline void rollcall_gzip_feed(struct rollcall_gzip *gzip, const uint8_t *bytes, uint32_t count, int is_last) {
  struct isal_zstream *stream = &((struct rollcall_gzip_state *)gzip)->stream;
  stream->next_in = (uint8_t *)bytes;
  stream->avail_in = count;
  stream->end_of_stream = is_last;
}

// Fills the output; *written less than room means that everything fed is taken. Returns COMP_OK or what is wrong.
static inline int rollcall_gzip_take(struct rollcall_gzip *gzip, uint8_t *output, uint32_t room, uint32_t *written) {
  struct isal_zstream *stream = &((struct rollcall_gzip_state *)gzip)->stream;
  stream->next_out = output;
  stream->avail_out = room;
  int code = isal_deflate(stream);
  *written = room - stream->avail_out;
  return code;
}

struct rollcall_gunzip;

// NULL where there is no memory. free() releases it.
static inline struct rollcall_gunzip *rollcall_gunzip_make(void) {
  struct inflate_state *state = malloc(sizeof *state);
  if (state == NULL) return NULL;
  isal_inflate_init(state);
  return (struct rollcall_gunzip *)state;
}

// Expects what follows the header of a gzip member, whatever it was doing. (ISA-L 2.30 does not read every header that arrives in pieces.)
static inline void rollcall_gunzip_reset(struct rollcall_gunzip *gunzip) {
  struct inflate_state *state = (struct inflate_state *)gunzip;
  isal_inflate_init(state);
  state->crc_flag = ISAL_GZIP_NO_HDR_VER;
}

// Decompresses *count bytes into *room bytes; replaces both by what is left. *is_end tells whether the member has ended and its checksum is
// right. Returns less than 0 for bytes that are not gzip.
static inline int rollcall_gunzip_take(
    struct rollcall_gunzip *gunzip, const uint8_t *bytes, uint32_t *count, uint8_t *output, uint32_t *room, int *is_end) {
  struct inflate_state *state = (struct inflate_state *)gunzip;
  state->next_in = (uint8_t *)bytes;
  state->avail_in = *count;
  state->next_out = output;
  state->avail_out = *room;
  int code = isal_inflate(state);
  *count = state->avail_in;
  *room = state->avail_out;
  *is_end = state->block_state == ISAL_BLOCK_FINISH;
  return code;
}
#endif
