#include "CRE2.h"

#include <re2/re2.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

struct rollcall_regex {
  RE2 re2;
};

namespace {

RE2::Options options(size_t memory) {
  RE2::Options options;
  options.set_max_mem(static_cast<int64_t>(memory));
  options.set_log_errors(false);
  return options;
}

re2::StringPiece piece(const char *bytes, size_t count) { return re2::StringPiece(count == 0 ? "" : bytes, count); }

}  // namespace

rollcall_regex *rollcall_regex_make(const char *pattern, size_t count, size_t memory, char *message, size_t capacity) {
  auto regex = std::unique_ptr<rollcall_regex>(new rollcall_regex{{piece(pattern, count), options(memory)}});
  if (regex->re2.ok()) return regex.release();
  snprintf(message, capacity, "%s", regex->re2.error().c_str());
  return nullptr;
}

void rollcall_regex_free(rollcall_regex *regex) { delete regex; }

int rollcall_regex_groups(const rollcall_regex *regex) { return regex->re2.NumberOfCapturingGroups(); }

int rollcall_regex_group(const rollcall_regex *regex, const char *name, size_t count) {
  const auto &groups = regex->re2.NamedCapturingGroups();
  const auto found = groups.find(std::string(count == 0 ? "" : name, count));
  return found == groups.end() ? -1 : found->second;
}

int rollcall_regex_match(const rollcall_regex *regex, const char *text, size_t count, ptrdiff_t *bounds, int groups) {
  const auto whole = piece(text, count);
  std::vector<re2::StringPiece> found(groups);
  if (!regex->re2.Match(whole, 0, whole.size(), RE2::UNANCHORED, found.data(), groups)) return 0;
  for (int group = 0; group < groups; group++) {
    const auto &one = found[group];
    bounds[2 * group] = one.data() == nullptr ? -1 : one.data() - whole.data();
    bounds[2 * group + 1] = one.data() == nullptr ? -1 : one.data() - whole.data() + static_cast<ptrdiff_t>(one.size());
  }
  return 1;
}
