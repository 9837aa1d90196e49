// What Swift cannot call of libcurl: its variadic functions, one wrapper for each argument type.
#ifndef ROLLCALL_CCURL_SHIM_H
#define ROLLCALL_CCURL_SHIM_H
#include <curl/curl.h>
#endif
