/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* virtual.c with weak externs. */
#define STRENGTH __weak
#include "virtual.c"
