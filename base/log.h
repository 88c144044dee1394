// SPDX-License-Identifier: PostgreSQL
// What is said beside the result: diagnostics, progress and, with --show-queries, every statement that is sent. All of it
// goes to one stream (stderr), a whole line at a time, so that threads do not mix their lines. A struct log is passed to
// whoever talks; NULL is a log that keeps quiet.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

struct buf;
struct err;

// Priorities of syslog, which the journal of systemd reads at the beginning of a line: "<4>".
enum log_priority { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFORMATION = 6, LOG_DETAIL = 7 };

struct log {
	FILE *stream;
	bool verbose;      // log_info is printed
	bool progress;     // the stream is a terminal: log_progress rewrites one line
	bool show_queries; // log_query is printed
	bool journal;      // the stream is the journal: each line begins with its priority
};

// Whether a descriptor leads to the journal: systemd says in JOURNAL_STREAM which device and inode that is.
bool log_is_journal(int fd);

// Adds the text with a priority before each line.
void log_add_lines(struct buf *out, enum log_priority priority, const char *text);

void log_error(struct log *log, const struct err *err);
// Adds a message as it goes to people, whoever wrote it: secrets are masked, what cannot be seen is escaped, and further lines
// begin with a bar, so that none of them is taken for a command (CI services read them out of what a program prints).
void log_text(struct buf *out, const char *text);

void log_warn(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

// One line that the next call overwrites; an empty text ("") clears it. Nothing unless the stream is a terminal.
void log_progress(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

// `where` names the connection: an environment or "scratch".
void log_query(struct log *log, const char *where, const char *sql);

#endif
