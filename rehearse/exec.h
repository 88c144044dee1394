// SPDX-License-Identifier: PostgreSQL
// Migrations that a command of the user's runs.
#ifndef REHEARSE_EXEC_H
#define REHEARSE_EXEC_H

#include "rehearse/course.h"

// Runs request->exec on the clone of job->pass and fills its steps, all without file; *zero_us is what their times count from. That
// the command failed, or sent nothing, is in the rehearsal's troubles or notes. Errors: those of the tap and of measuring; "exec":
// the clone has no Unix socket.
bool exec_run(struct job *job, double *zero_us, struct err *err);

#endif
