// SPDX-License-Identifier: PostgreSQL
// Reading a migrations folder: see folder.h. Dot files and node_modules are left out, and only the texts of files that
// migrations or their settings can be in are read. It decides nothing about frameworks.
#include "migrations/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"

enum { TEXT_BYTES_MAX = 16 << 20, FILES_MAX = 50000, DEPTH_MAX = 16, ANCESTORS_MAX = 6 };

static const char *const text_endings[] = { ".sql", ".toml", ".json", ".conf", ".go", ".yaml", ".yml", ".properties", NULL };

static bool is_text_name(const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; text_endings[i] != NULL; i++) {
		size_t ending = strlen(text_endings[i]);
		if (length > ending && strcasecmp(name + length - ending, text_endings[i]) == 0)
			return true;
	}
	return strstr(name, ".up.") != NULL || strstr(name, ".down.") != NULL; // golang-migrate takes any ending
}

// The text of a regular file; *text stays NULL for what is none. False: the file cannot be read.
static bool read_text(struct arena *arena, const char *path, size_t size, const char **text)
{
	auto_file file = fopen(path, "re");
	if (file == NULL)
		return false;
	char *bytes = arena_alloc(arena, size + 1);
	size_t n = fread(bytes, 1, size, file);
	if (ferror(file))
		return false;
	bytes[n] = '\0';
	if (memchr(bytes, '\0', n) == NULL)
		*text = bytes;
	return true;
}

struct walk {
	struct arena *arena;
	struct folder *folder;
	size_t capacity;
};

static bool add_file(struct walk *walk, const char *name, const char *path, const struct stat *info, struct err *err)
{
	struct folder *folder = walk->folder;
	if (folder->n_files == FILES_MAX)
		return err_set(err, "migrations", folder->path, "name the folder that holds the migrations, not one above it",
		               "it holds more than %d files", FILES_MAX);
	struct folder_file file = { .name = name, .path = path, .length = (size_t)info->st_size };
	if (is_text_name(name) && info->st_size <= TEXT_BYTES_MAX && !read_text(walk->arena, path, file.length, &file.text))
		return err_set(err, "migrations", path, "driftcheck must be able to read every file of the migrations",
		               "cannot be read: %s", strerror(errno));
	if (file.text != NULL)
		file.length = strlen(file.text);
	folder->files = arena_grow(walk->arena, folder->files, folder->n_files, &walk->capacity, sizeof *folder->files);
	folder->files[folder->n_files++] = file;
	return true;
}

static bool walk_folder(struct walk *walk, const char *path, const char *prefix, unsigned depth, struct err *err)
{
	if (depth > DEPTH_MAX)
		return err_set(err, "migrations", path, "a symbolic link may lead back to a folder above it",
		               "folders are nested more than %d deep", DEPTH_MAX);
	auto_dir dir = opendir(path);
	if (dir == NULL)
		return err_set(err, "migrations", path, "driftcheck must be able to read the folder of the migrations",
		               "the folder cannot be read: %s", strerror(errno));
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0)
			continue;
		const char *name = arena_printf(walk->arena, "%s%s", prefix, entry->d_name);
		const char *whole = arena_printf(walk->arena, "%s/%s", path, entry->d_name);
		struct stat info;
		if (stat(whole, &info) != 0)
			return err_set(err, "migrations", whole, "remove it or repair what it points to", "cannot be read: %s",
			               strerror(errno));
		if (S_ISDIR(info.st_mode) &&
		    !walk_folder(walk, whole, arena_printf(walk->arena, "%s/", name), depth + 1, err))
			return false;
		if (S_ISREG(info.st_mode) && !add_file(walk, name, whole, &info, err))
			return false;
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct folder_file *)a)->name, ((const struct folder_file *)b)->name);
}

struct folder *folder_read(struct arena *arena, const char *path, struct err *err)
{
	static const char hint[] = "name the folder that holds the migrations: --migrations DIR, or `path` in driftcheck.conf";
	struct folder *folder = arena_alloc(arena, sizeof *folder);
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	folder->path = arena_strndup(arena, path, length);
	struct stat info;
	const char *wrong = stat(path, &info) != 0       ? errno == ENOENT ? "there is no such folder" : strerror(errno)
	                    : !S_ISDIR(info.st_mode) ? "it is no folder"
	                                             : NULL;
	if (wrong != NULL) {
		err_set(err, "migrations", path, hint, "%s", wrong);
		return NULL;
	}
	struct walk walk = { arena, folder, 0 };
	if (!walk_folder(&walk, folder->path, "", 0, err))
		return NULL;
	if (folder->n_files > 0)
		qsort(folder->files, folder->n_files, sizeof *folder->files, by_name);
	return folder;
}

const char *folder_base(const struct folder_file *file)
{
	const char *slash = strrchr(file->name, '/');
	return slash == NULL ? file->name : slash + 1;
}

bool folder_is_flat(const struct folder_file *file)
{
	return strchr(file->name, '/') == NULL;
}

const char *folder_has(struct arena *arena, const struct folder *folder, const char *pattern)
{
	for (size_t i = 0; i < folder->n_files; i++) {
		if (fnmatch(pattern, folder->files[i].name, 0) == 0)
			return arena_printf(arena, "it has `%s`", folder->files[i].name);
	}
	return NULL;
}

const char *folder_comment(struct arena *arena, const struct folder *folder, const char *pattern, const char *words)
{
	size_t length = strlen(words);
	for (size_t i = 0; i < folder->n_files; i++) {
		const struct folder_file *file = &folder->files[i];
		if (file->text == NULL || !folder_is_flat(file) || fnmatch(pattern, file->name, 0) != 0)
			continue;
		for (const char *line = file->text; line != NULL; line = strchr(line, '\n')) {
			line += *line == '\n';
			const char *at = line + strspn(line, " \t");
			if (strncmp(at, "--", 2) != 0)
				continue;
			at += strspn(at, "- \t");
			if (strncasecmp(at, words, length) != 0)
				continue;
			size_t end = strcspn(line, "\r\n");
			return arena_printf(arena, "%s has the line `%.*s`", file->name, end > 60 ? 60 : (int)end, line);
		}
	}
	return NULL;
}

bool folder_ends_with(struct arena *arena, const struct folder *folder, const char *path)
{
	const char *whole = *folder_ancestors(arena, folder->path);
	size_t length = whole == NULL ? 0 : strlen(whole), ending = strlen(path);
	return length > ending && whole[length - ending - 1] == '/' && strcmp(whole + length - ending, path) == 0;
}

const char *const *folder_ancestors(struct arena *arena, const char *path)
{
	const char **ancestors = arena_array(arena, ANCESTORS_MAX + 1, sizeof *ancestors);
	auto_free whole = realpath(path, NULL);
	for (size_t n = 0; n < ANCESTORS_MAX && whole != NULL && *whole != '\0'; n++) {
		ancestors[n] = arena_strdup(arena, whole);
		struct stat info;
		if (stat(arena_printf(arena, "%s/.git", whole), &info) == 0)
			break;
		*strrchr(whole, '/') = '\0';
	}
	return ancestors;
}

const char *folder_nearby(struct arena *arena, const char *ancestor, const char *name)
{
	const char *path = arena_printf(arena, "%s/%s", ancestor, name), *text = NULL;
	struct stat info;
	if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > TEXT_BYTES_MAX ||
	    !read_text(arena, path, (size_t)info.st_size, &text))
		return NULL;
	return text;
}

static bool continues_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

bool text_mentions(const char *text, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
		if ((at == text || !continues_word(at[-1])) && !continues_word(at[length]))
			return true;
	}
	return false;
}
