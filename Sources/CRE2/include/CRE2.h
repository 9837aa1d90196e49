// RE2 for Swift, which cannot call its C++ interface without switching every module that imports it to C++ interoperability.
#ifndef ROLLCALL_CRE2_H
#define ROLLCALL_CRE2_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rollcall_regex;

// Compiles a pattern. NULL if it is invalid or its program would exceed `memory` bytes; `message` then has the reason, cut to `capacity` bytes
// with the terminating 0.
struct rollcall_regex *rollcall_regex_make(const char *pattern, size_t count, size_t memory, char *message, size_t capacity);

void rollcall_regex_free(struct rollcall_regex *regex);

// The number of capturing groups, without group 0.
int rollcall_regex_groups(const struct rollcall_regex *regex);

// The number of the leftmost group with that name; -1 if there is none.
int rollcall_regex_group(const struct rollcall_regex *regex, const char *name, size_t count);

// Finds the leftmost match; returns whether there is one. `bounds` receives start and end of the groups 0 to `groups` - 1 as offsets in bytes,
// -1 for a group that did not take part in the match. The time is linear in `count`.
int rollcall_regex_match(const struct rollcall_regex *regex, const char *text, size_t count, ptrdiff_t *bounds, int groups);

#ifdef __cplusplus
}
#endif
#endif
