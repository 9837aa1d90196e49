#ifndef ROLLCALL_CLINUX_SHIM_H
#define ROLLCALL_CLINUX_SHIM_H
/* The messages of sock_diag(7), the headers of executables, and malloc_trim(3): Swift's import of the C library leaves them out. */
#include <elf.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <malloc.h>
#include <sys/auxv.h>

/* The C library declares it only under _GNU_SOURCE, which Swift's import of it does not set. Source: setns(2). */
int setns(int fd, int nstype);
#endif
