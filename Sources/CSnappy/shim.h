#ifndef ROLLCALL_CSNAPPY_SHIM_H
#define ROLLCALL_CSNAPPY_SHIM_H
#include <snappy-c.h>
#endif
