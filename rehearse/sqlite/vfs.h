// SPDX-License-Identifier: PostgreSQL
// SQLite's file layer with a record of what goes through it: which locks a connection takes on the database file, when, and until
// when, and how many bytes it writes to which file. There is no other way to know: SQLite does not tell its locks.
#ifndef REHEARSE_SQLITE_VFS_H
#define REHEARSE_SQLITE_VFS_H

#include <stdbool.h>

enum file_lock { LOCK_RESERVED, LOCK_PENDING, LOCK_EXCLUSIVE, LOCK_WAL_WRITE, N_FILE_LOCKS };
extern const char *const file_lock_names[]; // "RESERVED", "PENDING", "EXCLUSIVE", "WAL write lock"

// One lock, since the last vfs_mark.
struct lock_record {
	double acquired_us; // of clock_us: when it was first taken; 0: it was not
	double released_us; // when it was last given back; 0: it was not
	bool held;          // now
};

struct vfs_record {
	struct lock_record locks[N_FILE_LOCKS];
	int page_size;           // set by who knows it; a write of that size is a page
	long long log_bytes;     // to the WAL or the rollback journal
	long long log_pages;     // pages among them
	long long database_pages, temp_bytes;
};

// Registers it under `name`, over the default one; the record is filled by every connection that is opened with it, and must outlive
// them. One connection at a time.
bool vfs_register(const char *name, struct vfs_record *record);

// From now on it counts anew; what is held stays held.
void vfs_mark(struct vfs_record *record);

#endif
