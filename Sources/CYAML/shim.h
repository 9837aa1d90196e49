#ifndef ROLLCALL_CYAML_SHIM_H
#define ROLLCALL_CYAML_SHIM_H
#include <yaml.h>
#endif
