/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#define VERSION 2
#include "upgrade.h"
