#ifndef ROLLCALL_CLINUX_SHIM_H
#define ROLLCALL_CLINUX_SHIM_H
/* Headers that Swift's import of the C library leaves out: the messages of sock_diag(7), ELF files, and malloc_trim(3). */
#include <elf.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <malloc.h>
#include <sys/auxv.h>

/* The C library declares it only under _GNU_SOURCE, which Swift's import does not define. Source: setns(2). */
int setns(int fd, int nstype);
#endif
