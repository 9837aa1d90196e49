// Wrappers for libcurl's variadic functions, which Swift cannot call: one for each argument type.
#ifndef ROLLCALL_CCURL_SHIM_H
#define ROLLCALL_CCURL_SHIM_H

// curl_easy_setopt's type checks are macros that require constant options; the wrappers below are typed instead.
#ifndef CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_TYPECHECK
#endif
#include <curl/curl.h>

// Missing from Swift's Glibc module.
#include <sys/epoll.h>
#include <sys/eventfd.h>

// curl_easy_setopt is variadic. Numbers and switches (CURLOPTTYPE_LONG, CURLOPTTYPE_VALUES):
static inline CURLcode rollcall_easy_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}
// Sizes (CURLOPTTYPE_OFF_T):
static inline CURLcode rollcall_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}
// Pointers: strings, buffers, callback arguments and URL handles.
static inline CURLcode rollcall_easy_set_pointer(CURL *easy, CURLoption option, const void *value) {
  return curl_easy_setopt(easy, option, value);
}
// Lists (CURLOPTTYPE_SLISTPOINT):
static inline CURLcode rollcall_easy_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(easy, option, value);
}
// Certificates in memory (CURLOPTTYPE_BLOB), copied by libcurl:
static inline CURLcode rollcall_easy_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t count) {
  struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
  return curl_easy_setopt(easy, option, &blob);
}
// Callbacks, one for each signature:
static inline CURLcode rollcall_easy_set_write(CURL *easy, CURLoption option, curl_write_callback callback) {
  return curl_easy_setopt(easy, option, callback);
}
static inline CURLcode rollcall_easy_set_open_socket(CURL *easy, curl_opensocket_callback callback) {
  return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}
static inline CURLcode rollcall_easy_set_socket_options(CURL *easy, curl_sockopt_callback callback) {
  return curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, callback);
}
static inline CURLcode rollcall_easy_set_before_request(CURL *easy, curl_prereq_callback callback) {
  return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
}

// curl_easy_getinfo is variadic. Sizes and microseconds:
static inline CURLcode rollcall_easy_get_offset(CURL *easy, CURLINFO info, curl_off_t *value) {
  return curl_easy_getinfo(easy, info, value);
}

// curl_multi_setopt is variadic. Numbers:
static inline CURLMcode rollcall_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}
// Callback arguments:
static inline CURLMcode rollcall_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
  return curl_multi_setopt(multi, option, value);
}
// Callbacks, one for each signature:
static inline CURLMcode rollcall_multi_set_socket(CURLM *multi, curl_socket_callback callback) {
  return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
}
static inline CURLMcode rollcall_multi_set_timer(CURLM *multi, curl_multi_timer_callback callback) {
  return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
}
#endif
