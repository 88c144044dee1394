// SPDX-License-Identifier: PostgreSQL
#include "rehearse/fill.h"
long long fill_estimate(const struct fill_request *request) { (void)request; return -1; }
bool fill(struct arena *arena, const struct fill_request *request, struct clone_table **tables, size_t *n_tables, const char ***notes, size_t *n_notes, struct err *err)
{ (void)arena; (void)request; (void)err; *tables = NULL; *notes = NULL; *n_tables = *n_notes = 0; return true; }
