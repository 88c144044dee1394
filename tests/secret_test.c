// SPDX-License-Identifier: PostgreSQL
// Secrets in texts: what is hidden, what is not, and that nothing of a report is forgotten. Each text is one line of a table,
// so that a leak or a false alarm that somebody reports becomes one more.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "diff/remedy.h"
#include "reporters/redact.h"
#include "reporters/reporter.h"

#define LENGTH(array) (sizeof array / sizeof *array)
#define TOKEN "ghp_0123456789abcdefghijABCDEFGHIJ012345"
#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
#define PEM "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"

// The text with {} for what must be hidden.
static const struct {
	const char *format, *secret;
} hidden[] = {
	// SQL
	{ "CREATE ROLE app LOGIN PASSWORD '{}' VALID UNTIL '2030-01-01'", "hunter2" },
	{ "create role app with password '{}'", "it''s" },
	{ "ALTER ROLE app ENCRYPTED PASSWORD E'{}' NOINHERIT", "it\\'s" },
	{ "ALTER ROLE app PASSWORD'{}'", "hunter2" },
	{ "ALTER ROLE app\n  PASSWORD\n  '{}'", "hunter2" },
	{ "ALTER ROLE app PASSWORD /* new */ '{}';", "hunter2" },
	{ "ALTER ROLE app PASSWORD -- new\n '{}';", "hunter2" },
	{ "ALTER ROLE app PASSWORD $${}$$;", "hunter2" },
	{ "ALTER ROLE app PASSWORD $x${}$x$;", "hun$$ter" },
	{ "ALTER ROLE app PASSWORD U&'{}';", "hunter\\0032" },
	{ "ALTER ROLE app PASSWORD '{}'", "md53175bce1d3201d16594cebf9d7eb3f9d" },
	{ "ALTER ROLE app PASSWORD '{}", "cut off" },
	{ "-- don't forget: ALTER ROLE app PASSWORD '{}';", "hunter2" },
	{ "ALTER ROLE a PASSWORD '{}', ALTER ROLE b PASSWORD ''", "hunter2" },
	{ "ALTER ROLE app PASSWORD '{}' VALID", "hunter'\n  '2" },
	{ "CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'app', password '{}')", "hunter2" },
	{ "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', sslpassword '{}')", "hunter2" },
	{ "CREATE SUBSCRIPTION s CONNECTION 'host=h password={} dbname=d' PUBLICATION p", "hunter2" },
	{ "CREATE SUBSCRIPTION s CONNECTION 'host=h password=''{}'' dbname=d' PUBLICATION p", "hunter 2" },
	{ "EXECUTE 'CREATE ROLE app PASSWORD ''{}''';", "hunter2" },
	{ "DO 'BEGIN EXECUTE ''CREATE ROLE app PASSWORD ''''{}'''' ''; END'", "hunter2" },
	{ "UPDATE settings SET smtp_password = '{}' WHERE id = 1", "hunter2" },
	{ "v_password text := '{}';", "hunter2" },
	{ "v_password CONSTANT character varying(20) NOT NULL := '{}';", "hunter2" },
	{ "ALTER TABLE users ADD COLUMN \"password\" text DEFAULT '{}'", "hunter2" },
	{ "PERFORM login(password => '{}');", "hunter2" },
	{ "password = '{}'::text", "hunter2" },
	{ "'{\"user\": \"app\", \"password\": \"{}\"}'::jsonb", "hunter2" },
	// connections, in any text
	{ "PERFORM dblink_connect('host=h dbname=d user=u password={}');", "hunter2" },
	{ "could not connect with host = h password = {}", "hunter2" },
	{ "COPY t FROM PROGRAM 'PGPASSWORD={} psql'", "hunter2" },
	{ "-- password={}", "swordfish" },
	{ "dbPassword={}", "hunter2" },
	{ "connection to postgresql://app:{}@db.example/app failed", "hunter2" },
	{ "'postgres://app:{}@db.example:5432/app?sslmode=require'", "h/u@n?ter2" },
	{ "jdbc:postgresql://db/app?user=app&password={}&ssl=true", "hunter2" },
	{ "scott:{}@db.example:5432/app", "tiger" },
	{ "see https://u:{}@h/x and mail me@example.org", "hunter2" },
	// tokens
	{ "token {}.", TOKEN },
	{ "https://x-access-token:{}@github.com/o/r", "ghs_0123456789abcdefghijABCDEFGHIJ012345" },
	{ "'{}'", "github_pat_11ABCDEFG0abcdefghijklm_0123456789abcdefghijklmnop" },
	{ "{}", "glpat-ABCDEFGHIJ1234567890" },
	{ "{}", "xoxb-123456789012-1234567890123-abcdefghijkl" },
	{ "{}", "xapp-1-A0123456789-123456-abcdef" },
	{ "AWS_ACCESS_KEY_ID={}", "AKIAIOSFODNN7EXAMPLE" },
	{ "aws_secret_access_key = '{}'", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
	{ "aws_secret_access_key={}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
	{ "stripe: {}", "sk_live_4eC39HqLyjWDarjtT1zdp7dc" },
	{ "https://hooks.slack.com/services/{}", "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX" },
	{ "Bearer {}", JWT },
	{ "key := '{}';", PEM },
	{ "cut off: {}", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA" },
};

// What people write every day and what holds no secret: it stays, byte for byte.
static const char *const untouched[] = {
	"", "password", "CREATE TABLE users (id integer, password text NOT NULL, password_hash text DEFAULT ''::text)",
	"ALTER TABLE users ADD COLUMN password character varying(60)", "users.password", "password text DEFAULT NULL",
	"IF password IS NULL THEN message := 'no password'; END IF;", "password text NOT NULL DEFAULT md5(random()::text)",
	"UPDATE users SET password_hash = crypt(p_password, gen_salt('bf'))", "password = crypt(p_password, password)",
	"SELECT 1 FROM users WHERE login = l AND password = p_password", "WHERE login=l AND password=p_password AND role='x'",
	"IF NEW.password = '' THEN", "IF password = OLD.password THEN", "password=EXCLUDED.password", "password=md5(salt)",
	"(password = ''::text)", "(length(password) > 8)", "((password)::text ~ '^[a-z]'::text)", "CHECK (password <> 'x'::text)",
	"CREATE TYPE secret_kind AS ENUM ('password', 'token', 'key')", "VALUES ('password', 'a word')",
	"RAISE EXCEPTION 'invalid password' USING ERRCODE = '28P01';", "RAISE NOTICE 'no password ';",
	"RAISE NOTICE 'password %', now();",
	"RAISE EXCEPTION 'the password ' || p || ' is too short';", "EXECUTE 'ALTER ROLE x PASSWORD ' || quote_literal(p);",
	"EXECUTE 'ALTER ROLE x PASSWORD ''' || p || '''';", "EXECUTE format('ALTER ROLE x PASSWORD %L', p);",
	"format('host=%s password=%s', h, p)", "'host=h password=' || p", "concat('password=', p)", "ALTER ROLE x PASSWORD NULL",
	"COMMENT ON COLUMN users.password IS 'never in clear: see password_hash'", "has_password=true, password=NULL",
	"COMMENT ON TABLE t IS 'what the password is for'", "password_reset_token text UNIQUE", "last_password_change timestamptz",
	"CREATE FUNCTION f() RETURNS text AS $$ SELECT password $$ LANGUAGE sql", "password=${DB_PASSWORD} password=$1 password=:pw",
	"password authentication failed for user \"app\"", "fe_sendauth: no password supplied", "check user and password (~/.pgpass)",
	"postgresql://readonly@staging/app", "postgresql://db.example:5432/app", "mailto:me@example.org", "me@example.org",
	"a::jsonb @> b::jsonb",
	"tags::text[]@>'{x}'", "https://example.org/a:b", "github_pat_encrypted_value_of_the_user", "ghp_short", "ghs_unit", "AKIA",
	"sk_live_",
	"the xoxb- prefix", "eyJ is how a token begins", "3f786850e387550fdab836ed7e6dc881de23001b",
	"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----",
	"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
	"ALTER ROLE x PASSWORD '***(sha256:1a2b3c4d)'", "postgresql://u:***(sha256:1a2b3c4d)@h/d", "password=***(sha256:1a2b3c4d)",
	"postgresql://u:***@h/d",
};

static char *mask(struct arena *arena, const char *text)
{
	auto_buf out = BUF_INIT;
	bool masked = secret_mask(&out, text);
	assert_int_equal(masked, strcmp(out.data, text) != 0);
	return buf_copy(&out, arena);
}

static void secrets_are_hidden(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(hidden); i++) {
		auto_arena arena = arena_new();
		const char *at = strstr(hidden[i].format, "{}");
		auto_buf text = BUF_INIT;
		buf_add(&text, hidden[i].format, (size_t)(at - hidden[i].format));
		buf_adds(&text, hidden[i].secret);
		buf_adds(&text, at + 2);
		const char *masked = mask(arena, text.data);
		const char *stars = strstr(masked, "***(sha256:");
		if (strstr(masked, hidden[i].secret) != NULL || stars == NULL)
			fail_msg("not hidden: %s -> %s", text.data, masked);
		// what stands around it stays
		assert_int_equal(strncmp(masked, hidden[i].format, (size_t)(at - hidden[i].format)), 0);
		if (strcmp(stars + strlen("***(sha256:12345678)"), at + 2) != 0)
			fail_msg("more was hidden: %s -> %s", text.data, masked);
		assert_string_equal(mask(arena, masked), masked);
	}
}

static void all_else_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(untouched); i++) {
		auto_arena arena = arena_new();
		assert_string_equal(mask(arena, untouched[i]), untouched[i]);
	}
}

// The secret of an AWS key has no form of its own: it is known by the key id near it.
static void neighbours_of_a_key_are_hidden(void **state)
{
	(void)state;
	static const char secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", digest[] = "3f786850e387550fdab836ed7e6dc881de23001b";
	auto_arena arena = arena_new();
	assert_string_equal(mask(arena, secret), secret);
	const char *both = mask(arena, arena_printf(arena, "('AKIAIOSFODNN7EXAMPLE', '%s', '%s')", secret, digest));
	assert_null(strstr(both, secret));
	assert_null(strstr(both, "AKIA"));
	assert_non_null(strstr(both, digest));
}

static void equal_secrets_stay_equal(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *one = mask(arena, "PASSWORD 'hunter2'"), *same = mask(arena, "PASSWORD 'hunter2'"), *other;
	other = mask(arena, "PASSWORD 'hunter3'");
	assert_string_equal(one, same);
	assert_string_not_equal(one, other);
	assert_non_null(strstr(one, "***(sha256:f52fbd32)"));
}

// Hostile texts that make a finder look at everything again and again must not cost more than their length allows.
static void long_texts_take_no_time(void **state)
{
	(void)state;
	static const char *const pieces[] = { "password $$ ", "password='", "ghp_", "github_pat_", "eyJ-eyJ.", "-----BEGIN KEY-----",
	                                      "a:b@", "://u:",
	                                      "AKIAIOSFODNN7EXAMPLE ", "'", "\"password\":", "PASSWORD = ", "password=''",
	    "password /*", "password --password\n", "password text(", "password '" };
	for (size_t i = 0; i < LENGTH(pieces); i++) {
		auto_buf text = BUF_INIT, out = BUF_INIT;
		while (text.length < 200000)
			buf_adds(&text, pieces[i]);
		secret_mask(&out, text.data);
		assert_true(out.length > 0);
	}
}

static void messages_are_made_safe(void **state)
{
	(void)state;
	auto_buf out = BUF_INIT;
	log_text(&out, "no\x1b[31m " TOKEN "\n::error::x\n");
	assert_string_equal(out.data, "no\\x1b[31m ***(sha256:d8fe76b4)\n  | ::error::x");
}

static struct remedy_statement *remedy(struct arena *arena, const char *text)
{
	struct remedy_statement *statements = arena_array(arena, 2, sizeof *statements);
	statements[0] = (struct remedy_statement){ "SET lock_timeout = '3s';", NULL };
	statements[1] = (struct remedy_statement){ arena_printf(arena, "CREATE VIEW v AS\nSELECT '%s';", text), text };
	return statements;
}

// A report in which every text is the token.
static struct report *report_of(struct arena *arena, const char *text)
{
	const char *path[] = { text, text };
	struct object *object = arena_alloc(arena, sizeof *object);
	const struct kind *kind = kind_find("function");
	*object = (struct object){ kind, path, 2, arena_array(arena, kind->n_attrs, sizeof *object->values) };
	object->path = arena_array(arena, 2, sizeof *object->path);
	memcpy((void *)object->path, path, sizeof path);
	for (unsigned i = 0; i < kind->n_attrs; i++)
		object->values[i] = text;
	struct finding *finding = arena_alloc(arena, sizeof *finding);
	struct origin *origin = arena_alloc(arena, sizeof *origin);
	*origin = (struct origin){ text, text, text, 1, true, text };
	struct finding_attr *attr = arena_alloc(arena, sizeof *attr);
	*attr = (struct finding_attr){ kind_attr(kind, "body"), text, arena_printf(arena, "x\n%s\n", text), text, true };
	*finding = (struct finding){ "0123456789abcdef", CLASS_COLLISION, SEVERITY_ALARM, CHANGE_ALTERED, object, object, object,
	                             object, text, attr, 1,
		                     text, origin, text, text, text, remedy(arena, text), remedy(arena, text), 2, 2, false };
	struct env_report *env = arena_alloc(arena, sizeof *env);
	const char **texts = arena_array(arena, 1, sizeof *texts);
	texts[0] = text;
	const struct versions list = { texts, 1 };
	struct pending_line *line = arena_alloc(arena, sizeof *line);
	*line = (struct pending_line){ text, text, text, text, true };
	struct unread *unread = arena_alloc(arena, sizeof *unread);
	*unread = (struct unread){ "table", texts, 1, text };
	struct err *err = arena_alloc(arena, sizeof *err);
	err_set(err, "query", text, text, "%s", text);
	struct report *report = arena_alloc(arena, sizeof *report);
	struct repo_report *repo = arena_alloc(arena, sizeof *repo);
	struct repo_folder *folder = arena_alloc(arena, sizeof *folder);
	*folder = (struct repo_folder){ text, text };
	struct migration_line *timeline = arena_alloc(arena, sizeof *timeline);
	*timeline = (struct migration_line){ text, text };
	*repo = (struct repo_report){ .name = text, .path = text, .framework = "dbmate", .folders = folder, .n_folders = 1,
	                              .n_migrations = 1,
		                      .head = text, .lines = timeline };
	*env = (struct env_report){
		.name = text, .fleet = text, .members = list, .engine = ENGINE_POSTGRESQL, .server = text, .database = text, .reached = true,
		.verdict = VERDICT_TROUBLE, .repo = repo, .versions_known = true, .version_table = text, .version_head = text, .pending = list,
		.skipped = list, .unknown = list, .edited = list, .dirty = list, .pending_lines = line, .n_pending_lines = 1, .unread = unread,
		.n_unread = 1, .notes = texts, .n_notes = 1, .trouble = err,
	};
	env->findings = arena_alloc(arena, sizeof *env->findings);
	env->findings[0] = finding;
	env->n_findings = 1;
	*report = (struct report){ .command = "check", .started = "2024-01-01T00:00:00Z", .repos = repo, .n_repos = 1, .n_envs = 1,
		                   .n_troubles = 1, .want_name = text, .have_name = text };
	report->envs = arena_alloc(arena, sizeof *report->envs);
	report->envs[0] = env;
	report->troubles = arena_alloc(arena, sizeof *report->troubles);
	*report->troubles = *err;
	return report;
}

static void no_text_of_a_report_is_forgotten(void **state)
{
	(void)state;
	static const char *const commands[] = { "check", "status", "diff" };
	for (size_t c = 0; c < LENGTH(commands); c++) {
		for (size_t i = 0; reporters[i] != NULL; i++) {
			auto_arena arena = arena_new();
			struct report *report = report_of(arena, TOKEN);
			report->command = commands[c];
			auto_buf before = BUF_INIT, after = BUF_INIT, again = BUF_INIT;
			const struct render_options options = { .verbose = true };
			reporters[i]->render(&before, report, &options);
			assert_non_null(strstr(before.data, TOKEN)); // else this proves nothing
			report_redact(arena, report);
			reporters[i]->render(&after, report, &options);
			assert_null(strstr(after.data, "ghp_"));
			report_redact(arena, report);
			reporters[i]->render(&again, report, &options);
			assert_string_equal(after.data, again.data);
		}
	}
}

static void a_remedy_with_a_secret_cannot_be_run(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct report *report = report_of(arena, "\r" TOKEN);
	report_redact(arena, report);
	const struct finding *finding = report->envs[0]->findings[0];
	assert_int_equal(finding->n_env, 3);
	for (size_t i = 0; i < finding->n_env; i++) {
		for (const char *line = finding->env[i].sql; *line != '\0';) {
			assert_int_equal(strncmp(line, "-- ", 3), 0);
			line += strcspn(line, "\r\n");
			line += strspn(line, "\r\n");
		}
	}
	struct report *plain = report_of(arena, "harmless");
	report_redact(arena, plain);
	assert_int_equal(plain->envs[0]->findings[0]->n_env, 2);
	assert_string_equal(plain->envs[0]->findings[0]->env[0].sql, "SET lock_timeout = '3s';");
}

static void what_is_unread_stays_unread(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct report *report = report_of(arena, TOKEN);
	struct finding *finding = report->envs[0]->findings[0];
	finding->object->values[0] = VALUE_UNREAD;
	finding->attrs[0].have = VALUE_UNREAD;
	report_redact(arena, report);
	assert_ptr_equal(finding->object->values[0], VALUE_UNREAD);
	assert_ptr_equal(finding->attrs[0].have, VALUE_UNREAD);
	assert_ptr_equal(finding->have, finding->object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_hidden), cmocka_unit_test(all_else_stays), cmocka_unit_test(neighbours_of_a_key_are_hidden),
		cmocka_unit_test(equal_secrets_stay_equal), cmocka_unit_test(long_texts_take_no_time), cmocka_unit_test(messages_are_made_safe),
		cmocka_unit_test(no_text_of_a_report_is_forgotten), cmocka_unit_test(a_remedy_with_a_secret_cannot_be_run),
		cmocka_unit_test(what_is_unread_stays_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
