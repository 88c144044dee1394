// SPDX-License-Identifier: PostgreSQL
// A report as people and sinks show it: environments of one fleet of which the same is to be said are one.
#ifndef REPORTERS_VIEW_H
#define REPORTERS_VIEW_H

#include "reporters/report.h"

struct arena;

// The same report with the environments of each fleet folded where all that is said of them is equal: verdict, versions,
// findings with their values, notes, trouble. The first stands for all and has them as members; with `counted`, its name says how
// many they are ("shop_0001 and 999 more"), for formats that know nothing of members. Their trouble is said once. The worst come
// first, otherwise they stand as they were named.
const struct report *report_view(struct arena *arena, const struct report *report, bool counted);

// How many environments a report is about: members count.
size_t report_n_envs(const struct report *report);

#endif
