// SPDX-License-Identifier: PostgreSQL
// The settings of the sink `github`: see github.h. What driftcheck.conf says goes before the environment, which is always set
// in GitHub Actions and could otherwise not be overruled. The token never comes from the command line.
#include "reporters/github.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/err.h"
#include "base/file.h"

enum { LABEL_MOST = 50, TOKEN_MOST = 4096 };

const char *const github_keys[] = { "repository", "label", "skew_after", "api_url", "token_file", NULL };

static bool setting_error(const struct delivery *delivery, struct err *err, const char *hint, const char *text)
{
	return err_set(err, "config", delivery->where, hint, "--report github: %s", text);
}

static const char *env_or(const char *value, const char *variable, const char *otherwise)
{
	const char *set = getenv(variable);
	if (value != NULL && *value != '\0')
		return value;
	return set != NULL && *set != '\0' ? set : otherwise;
}

static bool is_repository(const char *text)
{
	static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t owner = strspn(text, name), repository = text[owner] == '/' ? strspn(text + owner + 1, name) : 0;
	return owner > 0 && repository > 0 && text[owner + 1 + repository] == '\0' && strcmp(text + owner + 1, "..") != 0 &&
	       strcmp(text + owner + 1, ".") != 0 && strncmp(text, "../", 3) != 0 && strncmp(text, "./", 2) != 0;
}

// A token goes into a header as it is: it must be one word.
static bool find_token(const struct delivery *delivery, const char **token, struct err *err)
{
	const char *path = delivery_value(delivery, "token_file");
	size_t length;
	if (path != NULL && *path != '\0') {
		char *text = file_read(delivery->arena, path, TOKEN_MOST, &length);
		if (text == NULL)
			return err_set(err, "config", delivery->where, "name a file that holds the token alone", "--report github: token_file %s: %s",
			               path, strerror(errno));
		text[strcspn(text, "\r\n")] = '\0';
		*token = text;
	} else {
		*token = arena_strdup(delivery->arena, env_or(env_or(NULL, "GITHUB_TOKEN", NULL), "GH_TOKEN", NULL));
	}
	if (*token == NULL || **token == '\0')
		return setting_error(delivery, err, "set GITHUB_TOKEN (or GH_TOKEN), or token_file in section github of driftcheck.conf",
		                     "there is no token");
	for (const char *p = *token; *p != '\0'; p++) {
		if (!isgraph((unsigned char)*p))
			return setting_error(delivery, err, "is it whole, and is it the token alone?", "the token holds a blank or a control character");
	}
	return true;
}

bool github_prepare(struct delivery *delivery, struct err *err)
{
	struct github_settings *settings = arena_alloc(delivery->arena, sizeof *settings);
	settings->repository = env_or(delivery_value(delivery, "repository"), "GITHUB_REPOSITORY", NULL);
	settings->label = env_or(delivery_value(delivery, "label"), "", "db/drift");
	const char *skew_after = delivery_value(delivery, "skew_after");
	if (!duration_parse(skew_after == NULL ? "24h" : skew_after, "config", "github: skew_after", &settings->skew_after_s, err))
		return delivery->where == NULL ? false : err_where(err, "%s", delivery->where);
	if (settings->repository == NULL)
		return setting_error(delivery, err, "write github { repository = \"owner/name\" } in driftcheck.conf, or set GITHUB_REPOSITORY",
		                     "no repository is named");
	if (!is_repository(settings->repository))
		return err_set(err, "config", delivery->where, "write owner/name", "--report github: \"%s\" is not of the form owner/name",
		               settings->repository);
	auto_json label = json_string(settings->label);
	if (label == NULL || strpbrk(settings->label, ",\r\n") != NULL || strlen(settings->label) > LABEL_MOST)
		return setting_error(delivery, err, "at most 50 letters, no comma: GitHub takes that for two labels", "this cannot be a label");
	const char *api = env_or(delivery_value(delivery, "api_url"), "GITHUB_API_URL", "https://api.github.com");
	size_t length = strlen(api);
	while (length > 0 && api[length - 1] == '/')
		length--;
	settings->api = arena_strndup(delivery->arena, api, length);
	if (!http_url_check(settings->api, "the address of the interface (api_url, GITHUB_API_URL)", err))
		return delivery->where == NULL ? false : err_where(err, "%s", delivery->where);
	if (strpbrk(settings->api, "@?#") != NULL)
		return setting_error(delivery, err, "write https://HOST/api/v3", "api_url holds more than a host and a path");
	delivery->own = settings;
	return find_token(delivery, &settings->token, err);
}
