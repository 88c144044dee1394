// SPDX-License-Identifier: PostgreSQL
// HTTP for the sinks: libcurl's easy interface, see http.h. What libcurl would do by itself and must not: follow redirects to
// another host, and send a request again that died on a connection kept open from the one before (it does that with POST as
// well, see Curl_retry_request; so only GET may use such a connection). Repeating is the callers' business.
#include <config.h>

#include "reporters/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"

enum { REDIRECTS_MAX = 3, REQUEST_MS = 60000, CONNECT_MS = 15000, MOST_DEFAULT = 1 << 20 };

AUTO_DEFINE(auto_url_cleanup, CURLU *, curl_url_cleanup)
#define auto_url __attribute__((cleanup(auto_url_cleanup))) CURLU *
AUTO_DEFINE(auto_slist_cleanup, struct curl_slist *, curl_slist_free_all)
#define auto_slist __attribute__((cleanup(auto_slist_cleanup))) struct curl_slist *

struct http {
	CURL *curl;
};

struct http *http_new(void)
{
	struct http *http = calloc(1, sizeof *http);
	invariant(http != NULL && (http->curl = curl_easy_init()) != NULL, "no memory for HTTP");
	return http;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->curl);
	free(http);
}

void http_release(struct http **http)
{
	http_free(*http);
}

struct place { // of a URL
	char *scheme, *host, *port, *user; // user: NULL where it names none
};

static void place_release(struct place *place)
{
	curl_free(place->scheme);
	curl_free(place->host);
	curl_free(place->port);
	curl_free(place->user);
}
#define auto_place __attribute__((cleanup(place_release))) struct place

static bool find_place(const char *url, struct place *place)
{
	auto_url parsed = curl_url();
	if (parsed == NULL || curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK)
		return false;
	curl_url_get(parsed, CURLUPART_USER, &place->user, 0);
	return curl_url_get(parsed, CURLUPART_SCHEME, &place->scheme, 0) == CURLUE_OK &&
	       curl_url_get(parsed, CURLUPART_HOST, &place->host, 0) == CURLUE_OK &&
	       curl_url_get(parsed, CURLUPART_PORT, &place->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

// libcurl resolves "localhost" to the loopback addresses itself, whatever a name server says.
static bool is_this_machine(const char *host)
{
	struct in_addr address;
	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static bool is_plain(const struct place *place)
{
	return strcasecmp(place->scheme, "http") == 0;
}

const char *http_origin(struct arena *arena, const char *url)
{
	auto_place place = { 0 };
	return find_place(url, &place) ? arena_printf(arena, "%s://%s:%s", place.scheme, place.host, place.port) : NULL;
}

bool http_same_origin(const char *from, const char *to)
{
	auto_place a = { 0 }, b = { 0 };
	return find_place(from, &a) && find_place(to, &b) && b.user == NULL && strcasecmp(a.scheme, b.scheme) == 0 &&
	       strcasecmp(a.host, b.host) == 0 && strcmp(a.port, b.port) == 0;
}

bool http_url_check(const char *url, const char *what, struct err *err)
{
	static const char hint[] = "write https://HOST/PATH";
	auto_place place = { 0 };
	if (!find_place(url, &place))
		return err_set(err, "config", NULL, hint, "%s is no URL", what);
	if (strcasecmp(place.scheme, "https") == 0 || (is_plain(&place) && is_this_machine(place.host)))
		return true;
	return err_set(err, "config", NULL, hint, "%s: %s://%s would send secrets in the clear; only this machine is reached without TLS",
	               what, place.scheme, place.host);
}

struct received {
	struct buf body;
	size_t most;
	bool too_long;
};

static size_t receive(char *bytes, size_t one, size_t n, void *into)
{
	(void)one; // always 1
	struct received *received = into;
	received->too_long = n > received->most || received->body.length > received->most - n;
	if (received->too_long)
		return 0;
	buf_add(&received->body, bytes, n);
	return n;
}

static void received_release(struct received *received)
{
	buf_release(&received->body);
}
#define auto_received __attribute__((cleanup(received_release))) struct received

static const char *const *collect_headers(CURL *curl, struct arena *arena)
{
	size_t n = 0;
	for (struct curl_header *h = NULL; (h = curl_easy_nextheader(curl, CURLH_HEADER, -1, h)) != NULL;)
		n++;
	const char **headers = arena_array(arena, 2 * n + 1, sizeof *headers);
	n = 0;
	for (struct curl_header *h = NULL; (h = curl_easy_nextheader(curl, CURLH_HEADER, -1, h)) != NULL;) {
		headers[n++] = arena_strdup(arena, h->name);
		headers[n++] = arena_strdup(arena, h->value);
	}
	return headers;
}

const char *http_header(const struct http_answer *answer, const char *name)
{
	for (size_t i = 0; answer->headers != NULL && answer->headers[i] != NULL; i += 2) {
		if (strcasecmp(answer->headers[i], name) == 0)
			return answer->headers[i + 1];
	}
	return NULL;
}

static void set_up(CURL *curl, const struct http_request *request, const char *url, const struct curl_slist *headers, bool plain)
{
	static const char *const bundles[] = { "CURL_CA_BUNDLE", "SSL_CERT_FILE" }; // as the curl tool; libcurl asks neither
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "driftcheck/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); // or newer
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (plain)
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	const char *bundle = NULL;
	for (size_t i = 0; i < sizeof bundles / sizeof *bundles && bundle == NULL; i++) {
		bundle = getenv(bundles[i]);
		bundle = bundle != NULL && *bundle == '\0' ? NULL : bundle;
	}
	if (bundle != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, strcmp(request->method, "GET") == 0 ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (request->body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
	}
}

// Those after which a repetition ends the same way.
static bool is_hopeless(CURLcode code)
{
	static const CURLcode codes[] = {
		CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
		CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CERTPROBLEM,
	};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (codes[i] == code)
			return true;
	}
	return false;
}

static void fail(struct http_answer *answer, enum http_end end, const char *why)
{
	answer->end = end;
	answer->why = why;
}

// One request without redirects.
static void exchange(CURL *curl, struct arena *arena, const struct http_request *request, const char *url, struct http_answer *answer)
{
	*answer = (struct http_answer){ .body = "", .url = arena_strdup(arena, url), .retry_after_s = -1 };
	auto_place place = { 0 };
	struct err err;
	if (!http_url_check(url, "the address", &err)) {
		fail(answer, HTTP_IMPOSSIBLE, arena_strdup(arena, err.text));
		return;
	}
	find_place(url, &place);
	long long left_ms = (request->deadline_us - clock_us()) / 1000;
	if (left_ms <= 0) {
		fail(answer, HTTP_NOT_SENT, "no time is left");
		return;
	}
	auto_slist headers = curl_slist_append(NULL, "Expect:"); // libcurl would ask first, and wait a second for the answer
	for (size_t i = 0; headers != NULL && request->headers != NULL && request->headers[i] != NULL; i++)
		headers = curl_slist_append(headers, request->headers[i]);
	invariant(headers != NULL, "out of memory");
	auto_received received = { .body = BUF_INIT, .most = request->most > 0 ? request->most : MOST_DEFAULT };
	char message[CURL_ERROR_SIZE] = "";
	curl_easy_reset(curl); // the options; connections stay
	set_up(curl, request, url, headers, is_plain(&place));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(left_ms < REQUEST_MS ? left_ms : REQUEST_MS));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL); // the handle outlives it
	if (code == CURLE_OK) {
		long status = 0;
		curl_off_t retry_after_s = 0;
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after_s);
		answer->status = (int)status;
		answer->body = buf_copy(&received.body, arena);
		answer->length = received.body.length;
		answer->headers = collect_headers(curl, arena);
		answer->retry_after_s = http_header(answer, "retry-after") == NULL ? -1 : (long long)retry_after_s;
		return;
	}
	// The time at which the request was about to be sent; 0: it never came to that.
	curl_off_t sent_us = 0;
	curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	enum http_end end = sent_us > 0 ? HTTP_UNKNOWN : is_hopeless(code) ? HTTP_IMPOSSIBLE : HTTP_NOT_SENT;
	const char *why = received.too_long ? "the answer is too long" : *message != '\0' ? message : curl_easy_strerror(code);
	fail(answer, end, secret_redact(arena, why)); // a proxy's URL may be quoted
}

void http_perform(struct http *http, struct arena *arena, const struct http_request *request, struct http_answer *answer)
{
	static const int redirects[] = { 301, 302, 307, 308 };
	const char *url = request->url;
	for (int hop = 0;; hop++) {
		exchange(http->curl, arena, request, url, answer);
		bool redirected = false;
		for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++)
			redirected = redirected || answer->status == redirects[i];
		char *to = NULL; // belongs to the handle
		if (!redirected || hop == REDIRECTS_MAX || curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &to) != CURLE_OK || to == NULL)
			return;
		if (!http_same_origin(url, to))
			return;
		url = arena_strdup(arena, to);
	}
}
