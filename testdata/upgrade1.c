/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#define VERSION 1
#include "upgrade.h"
