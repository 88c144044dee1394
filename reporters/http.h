// SPDX-License-Identifier: PostgreSQL
// HTTP for the sinks: one request at a time, with an end in time and in size. https alone, but for plain http to this very
// machine; certificates are always checked (CURL_CA_BUNDLE or SSL_CERT_FILE name those to trust). The usual
// variables for proxies hold for https; a request in plain http never leaves the machine, so it takes no proxy. A ~/.netrc is
// not read. Redirects are followed within one origin (scheme, host, port) alone, up to three, method and body kept: what
// goes elsewhere would take the token along.
#ifndef REPORTERS_HTTP_H
#define REPORTERS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

// How a request ended. Whatever is not HTTP_ANSWERED says in `why` what went wrong.
enum http_end {
	HTTP_ANSWERED,
	HTTP_IMPOSSIBLE, // not sent, and no repetition will help: the certificate is refused, the URL is none
	HTTP_NOT_SENT,   // not sent: no such host, no connection, no time left
	HTTP_UNKNOWN,    // sent, or a part of it, but no whole answer came: it may have been done
};

struct http_request {
	const char *method; // "GET", "POST", "PATCH"
	const char *url;
	const char *const *headers; // "Name: value", NULL-ended; may hold secrets. User-Agent is set here. NULL: none
	const char *body;           // NULL: none
	size_t length;
	long long deadline_us; // of clock_us
	size_t most;           // bytes of the answer's body; 0: 1 MB. A longer answer is HTTP_UNKNOWN
};

// All texts live in the arena that was given.
struct http_answer {
	enum http_end end;
	const char *why; // "Could not resolve host: ..."; no header, path, query or password in it. NULL where answered
	int status;      // 0 unless answered
	const char *body; // never NULL, NUL-ended
	size_t length;
	const char *url; // that answered: another than was asked where it redirected
	const char *const *headers; // names and values in turn; NULL-ended
	long long retry_after_s;    // of Retry-After in both its forms; -1: not said
};

struct http;
struct http *http_new(void);
void http_free(struct http *http);
void http_release(struct http **http);
#define auto_http __attribute__((cleanup(http_release))) struct http *

void http_perform(struct http *http, struct arena *arena, const struct http_request *request, struct http_answer *answer);

// The value of a header of the answer; NULL: it has none.
const char *http_header(const struct http_answer *answer, const char *name);

// Whether the URL may be asked at all: https, or http to this machine (localhost, 127.0.0.0/8, ::1). Errors: code "config",
// text "... `what` ..."; they show no more of the URL than scheme and host, since a URL may be a secret.
bool http_url_check(const char *url, const char *what, struct err *err);

// Scheme, host and port: "https://api.github.com:443"; NULL: it is no URL.
const char *http_origin(struct arena *arena, const char *url);

// Whether one may be followed from the other with the same secrets: the same scheme, host and port, and no user in the second.
bool http_same_origin(const char *from, const char *to);

#endif
