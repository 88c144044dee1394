// SPDX-License-Identifier: PostgreSQL
// The hidden lines at the top of an issue's body, by which it is known again; its title is for people, who may edit it.
//
//     <!-- driftcheck:v1 env=<base64url of the name> fp=<fingerprint> run=<nonce of the run that wrote it> -->
//     <!-- driftcheck:findings <items_list> -->
//
// Nothing foreign stands in them but in base64, so no name can end the comment or pass for another.
#ifndef REPORTERS_GITHUB_MARKER_H
#define REPORTERS_GITHUB_MARKER_H

#include <stdbool.h>

struct arena;
struct buf;

struct marker {
	const char *env;         // encoded; NULL: another version's marker
	const char *fingerprint;
	const char *run;
	const char *list; // NULL: none
};

void marker_add(struct buf *out, const char *name, const char *fingerprint, const char *run, const char *list);

// Reads the marker in the first lines of a body; false: it has none. One in any later line is somebody's text.
bool marker_find(struct arena *arena, const char *body, struct marker *marker);

// Whether it is that of a name.
bool marker_is_of(const struct marker *marker, const char *name);

// The body with another fingerprint in its marker.
const char *marker_replace(struct arena *arena, const char *body, const char *name, const char *fingerprint, const char *run);

#endif
