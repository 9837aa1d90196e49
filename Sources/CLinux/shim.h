#ifndef ROLLCALL_CLINUX_SHIM_H
#define ROLLCALL_CLINUX_SHIM_H
/* Headers that Swift's import of the C library leaves out: the messages of sock_diag(7), ELF files, and malloc_trim(3). */
#include <elf.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <malloc.h>
#include <sys/auxv.h>

/* The C library declares these only under _GNU_SOURCE, which Swift's import does not define. Source: setns(2), posix_spawn(3). */
int setns(int fd, int nstype);
/* `actions` is a posix_spawn_file_actions_t; spawn.h would bring types with it that belong to Swift's import of the C library. */
int posix_spawn_file_actions_addchdir_np(void *actions, const char *path);
int posix_spawn_file_actions_addclosefrom_np(void *actions, int from);
#endif
