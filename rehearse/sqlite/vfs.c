// SPDX-License-Identifier: PostgreSQL
// The recording file layer: see vfs.h. Every call goes on to the default layer unchanged; locks and writes are noted on the
// way. What the calls mean is in https://www.sqlite.org/c3ref/io_methods.html, which byte of the shared memory is the writer's lock
// in https://www.sqlite.org/walformat.html#locks (the first).
#include "rehearse/sqlite/vfs.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/clock.h"

const char *const file_lock_names[] = { "RESERVED", "PENDING", "EXCLUSIVE", "WAL write lock" };

enum { WAL_WRITE_OFFSET = 0, METHODS_VERSION = 3 };

struct file {
	sqlite3_file base;
	sqlite3_io_methods methods; // with the version of the real file's
	struct vfs_record *record;
	int flags;
	sqlite3_file *real;
};

static void take(struct vfs_record *record, enum file_lock lock)
{
	struct lock_record *of = &record->locks[lock];
	if (!of->held && of->acquired_us == 0)
		of->acquired_us = (double)clock_us();
	of->held = true;
}

static void give_back(struct vfs_record *record, enum file_lock lock)
{
	struct lock_record *of = &record->locks[lock];
	if (of->held)
		of->released_us = (double)clock_us();
	of->held = false;
}

void vfs_mark(struct vfs_record *record)
{
	for (int i = 0; i < N_FILE_LOCKS; i++)
		record->locks[i] = (struct lock_record){ .held = record->locks[i].held };
	record->log_bytes = record->log_pages = record->database_pages = record->temp_bytes = 0;
}

#define REAL(file) ((struct file *)(file))->real
#define CALL(file, method, ...) REAL(file)->pMethods->method(REAL(file), ##__VA_ARGS__)

static int file_close(sqlite3_file *file)
{
	return REAL(file)->pMethods == NULL ? SQLITE_OK : CALL(file, xClose);
}

static int file_read(sqlite3_file *file, void *into, int n, sqlite3_int64 offset)
{
	return CALL(file, xRead, into, n, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
	const struct file *of = (struct file *)file;
	struct vfs_record *record = of->record;
	bool page = n == record->page_size;
	if (of->flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) {
		record->log_bytes += n;
		record->log_pages += page;
	} else if (of->flags & SQLITE_OPEN_MAIN_DB) {
		record->database_pages += page;
	} else {
		record->temp_bytes += n;
	}
	return CALL(file, xWrite, bytes, n, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return CALL(file, xTruncate, size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	return CALL(file, xSync, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return CALL(file, xFileSize, size);
}

static int file_lock(sqlite3_file *file, int level)
{
	struct vfs_record *record = ((struct file *)file)->record;
	int result = CALL(file, xLock, level), is = SQLITE_LOCK_NONE;
	CALL(file, xFileControl, SQLITE_FCNTL_LOCKSTATE, &is); // a wait for readers leaves it at PENDING
	static const struct { int level; enum file_lock lock; } levels[] = {
		{ SQLITE_LOCK_RESERVED, LOCK_RESERVED }, { SQLITE_LOCK_PENDING, LOCK_PENDING }, { SQLITE_LOCK_EXCLUSIVE, LOCK_EXCLUSIVE },
	};
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		if (levels[i].level == is)
			take(record, levels[i].lock);
	}
	return result;
}

static int file_unlock(sqlite3_file *file, int level)
{
	struct vfs_record *record = ((struct file *)file)->record;
	int result = CALL(file, xUnlock, level);
	for (enum file_lock lock = LOCK_RESERVED; lock <= LOCK_EXCLUSIVE; lock++)
		give_back(record, lock);
	return result;
}

static int file_check_reserved(sqlite3_file *file, int *reserved)
{
	return CALL(file, xCheckReservedLock, reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
	return CALL(file, xFileControl, operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
	return CALL(file, xSectorSize);
}

static int file_characteristics(sqlite3_file *file)
{
	return CALL(file, xDeviceCharacteristics);
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **into)
{
	return CALL(file, xShmMap, page, size, extend, into);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	struct vfs_record *record = ((struct file *)file)->record;
	int result = CALL(file, xShmLock, offset, n, flags);
	if (offset == WAL_WRITE_OFFSET && (flags & SQLITE_SHM_EXCLUSIVE) && result == SQLITE_OK)
		(flags & SQLITE_SHM_LOCK ? take : give_back)(record, LOCK_WAL_WRITE);
	return result;
}

static void file_shm_barrier(sqlite3_file *file)
{
	CALL(file, xShmBarrier);
}

static int file_shm_unmap(sqlite3_file *file, int delete)
{
	return CALL(file, xShmUnmap, delete);
}

static int file_fetch(sqlite3_file *file, sqlite3_int64 offset, int n, void **into)
{
	return CALL(file, xFetch, offset, n, into);
}

static int file_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page)
{
	return CALL(file, xUnfetch, offset, page);
}

static const sqlite3_io_methods recording = {
	METHODS_VERSION, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock, file_check_reserved,
	file_control, file_sector_size, file_characteristics, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, file_fetch, file_unfetch,
};

// The layer.

struct layer {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	struct vfs_record *record;
};

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct layer *layer = (struct layer *)vfs;
	struct file *of = (struct file *)file;
	*of = (struct file){ .record = layer->record, .flags = flags, .methods = recording, .real = (sqlite3_file *)(of + 1) };
	int result = layer->real->xOpen(layer->real, name, of->real, flags, out_flags);
	if (of->real->pMethods != NULL) {
		if (of->real->pMethods->iVersion < of->methods.iVersion)
			of->methods.iVersion = of->real->pMethods->iVersion;
		of->base.pMethods = &of->methods;
	}
	return result;
}

bool vfs_register(const char *name, struct vfs_record *record)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);
	struct layer *layer = calloc(1, sizeof *layer); // lives as long as the process, as SQLite wants it
	if (real == NULL || layer == NULL)
		return false;
	*layer = (struct layer){ *real, real, record };
	layer->vfs.pNext = NULL;
	layer->vfs.zName = name;
	layer->vfs.szOsFile = (int)sizeof(struct file) + real->szOsFile;
	layer->vfs.xOpen = layer_open;
	return sqlite3_vfs_register(&layer->vfs, 0) == SQLITE_OK;
}
