// SPDX-License-Identifier: PostgreSQL
// The framework's version tables in a live database: the one of the database, or those of all tenants at once.
#include "introspect/postgres_session.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "introspect/postgres_read.h"

enum { TENANTS_AT_ONCE = 300, STATEMENT_TIMEOUT_MS = 10000, HALF_LOCK_TIMEOUT_MS = 100 };

// Where an unqualified name is looked for: the schema of the options, else the connection's search path; else, if there is
// but one table of that name, wherever it is.
static const char find_table_sql[] =
	"select n.nspname, c.relname, "
	"pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select'), "
	"pg_catalog.array_position(pg_catalog.current_schemas(false), n.nspname), pg_catalog.current_database(), w.i - 1 "
	"from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) "
	"with ordinality w(name, schema, i) "
	"join pg_catalog.pg_class c on c.relname = w.name join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
	"where c.relkind in ('r', 'p') and n.nspname !~ '^pg_(temp|toast)' and (w.schema is null or n.nspname = w.schema) "
	"order by w.i, 4 nulls last, 1";

// Whether the lock that is held while migrations run is held now, by anyone, in this database.
static const char advisory_sql[] =
	"select count(*) from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
	"and (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8) = $1::pg_catalog.int8 "
	"and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())";

static bool deploy_in_flight(struct session *session, const struct version_query *query, const char *database,
                             const char *schema, const char *table, bool *busy, struct err *err)
{
	long long key;
	*busy = false;
	for (unsigned nth = 0; !*busy && query->lock_key != NULL && query->lock_key(database, schema, table, nth, &key); nth++) {
		char text[32];
		snprintf(text, sizeof text, "%lld", key);
		auto_pgresult result = session_run(session, advisory_sql, 1, (const char *[]){ text });
		if (PQresultStatus(result) != PGRES_TUPLES_OK)
			return session_error(session, result, "looking for a running migration", err);
		*busy = strcmp(PQgetvalue(result, 0, 0), "0") != 0;
	}
	return true;
}

static void version_rows(struct arena *arena, const PGresult *result, struct version_table *version)
{
	version->n_columns = (size_t)PQnfields(result);
	version->columns = arena_array(arena, version->n_columns, sizeof *version->columns);
	for (size_t i = 0; i < version->n_columns; i++)
		version->columns[i] = arena_strdup(arena, PQfname(result, (int)i));
	version->n_rows = (size_t)PQntuples(result);
	version->rows = arena_array(arena, version->n_rows, sizeof *version->rows);
	for (size_t i = 0; i < version->n_rows; i++) {
		version->rows[i] = arena_array(arena, version->n_columns, sizeof **version->rows);
		for (size_t j = 0; j < version->n_columns; j++)
			version->rows[i][j] = arena_strdup(arena, row_text((struct row){ result, (int)i }, (int)j));
	}
}

// An element of an array in PostgreSQL's text form; NULL is NULL.
static void add_element(struct buf *array, const char *text)
{
	buf_addc(array, array->length == 0 ? '{' : ',');
	if (text == NULL) {
		buf_adds(array, "NULL");
		return;
	}
	buf_addc(array, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(array, '\\');
		buf_addc(array, *text);
	}
	buf_addc(array, '"');
}

// Asks for all the tables at once; the rows are in the order in which they are wanted.
static PGresult *find_tables(struct session *session, struct err *err)
{
	auto_buf names = BUF_INIT, schemas = BUF_INIT;
	for (const struct version_query *query = session->options->versions; query->table != NULL; query++) {
		const char *parts[2];
		size_t n = sql_name_split(session->arena, query->table, parts, 2);
		if (n == 0) {
			err_set(err, "version-table", session->options->name, "write it as schema.table", "`%s` names no table", query->table);
			return NULL;
		}
		add_element(&names, parts[n - 1]);
		add_element(&schemas, n == 2 ? parts[0] : session->options->schema);
	}
	buf_addc(&names, '}');
	buf_addc(&schemas, '}');
	PGresult *found = session_run(session, find_table_sql, 2, (const char *[]){ names.data, schemas.data });
	if (PQresultStatus(found) == PGRES_TUPLES_OK)
		return found;
	session_error(session, found, "looking for the version table", err);
	PQclear(found);
	return NULL;
}

static bool is_tenant(const struct session *session, const char *schema)
{
	return session->options->tenants != NULL && fnmatch(session->options->tenants, schema, 0) == 0;
}

// An unqualified version table of a tenant is that tenant's; one that is named with its schema is everybody's.
static bool own_tables(const struct session *session)
{
	const char *parts[2], *table = session->options->versions == NULL ? NULL : session->options->versions->table;
	return session->options->tenants != NULL && table != NULL && sql_name_split(session->arena, table, parts, 2) == 1;
}

static bool may_not_read(struct session *session, const char *const *path, struct err *err)
{
	const char *name = sql_name_copy(session->arena, path, 2), *user = PQuser(session->conn);
	const char *role = sql_name_copy(session->arena, &user, 1);
	err_set(err, "permission", session->options->name, NULL, "this role may not read the version table %s", name);
	auto_buf hint = BUF_INIT;
	buf_adds(&hint, "GRANT USAGE ON SCHEMA ");
	sql_ident(&hint, path[0]);
	buf_addf(&hint, " TO %s; GRANT SELECT ON %s TO %s;", role, name, role);
	return err_hint(err, "%s", hint.data);
}

static bool read_version_rows(struct session *session, struct version_table *version, bool *busy, struct err *err)
{
	auto_pgresult found = find_tables(session, err);
	if (found == NULL)
		return false;
	bool own = own_tables(session);
	int at = 0, next, n = PQntuples(found);
	while (at < n && own && is_tenant(session, PQgetvalue(found, at, 0)))
		at++;
	for (next = at + 1; next < n && own && is_tenant(session, PQgetvalue(found, next, 0));)
		next++;
	if (at == n)
		return true;
	const struct version_query *query = &session->options->versions[row_oid((struct row){ found, at }, 5)];
	// several of that name, none of them on the search path: which one is meant cannot be guessed
	bool ambiguous = next < n && PQgetisnull(found, at, 3) && strcmp(PQgetvalue(found, at, 5), PQgetvalue(found, next, 5)) == 0;
	if (ambiguous && own) // the tenants' own are what matters
		return true;
	if (ambiguous)
		return err_set(err, "version-table", session->options->name,
		               "name it in the configuration: migrations { table = \"schema.table\" }", "several schemas have a table `%s`, none of them on the search "
		               "path", query->table);
	const char *path[] = { PQgetvalue(found, at, 0), PQgetvalue(found, at, 1) };
	const char *name = sql_name_copy(session->arena, path, 2);
	if (strcmp(PQgetvalue(found, at, 2), "t") != 0)
		return may_not_read(session, path, err);
	if (!deploy_in_flight(session, query, PQgetvalue(found, at, 4), path[0], path[1], busy, err))
		return false;
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select * from %s", name);
	if (query->order != NULL)
		buf_addf(&sql, " order by %s", query->order);
	auto_pgresult rows = session_run(session, sql.data, 0, NULL);
	if (PQresultStatus(rows) != PGRES_TUPLES_OK)
		return session_error(session, rows, "reading the version table", err);
	version->name = name;
	version_rows(session->arena, rows, version);
	return true;
}

static bool begin(struct session *session, int lock_timeout_ms, struct err *err)
{
	return session_start(session, STATEMENT_TIMEOUT_MS, lock_timeout_ms, err);
}

static bool end(struct session *session, bool ok, struct err *err)
{
	struct err ignored;
	return session_do(session, "commit", ok ? err : &ignored) && ok;
}

static bool read_version(struct session *session, struct version_table *version, bool *busy, struct err *err)
{
	*version = (struct version_table){ 0 };
	*busy = false;
	if (session->options->versions == NULL || session->options->versions->table == NULL)
		return true;
	bool ok = begin(session, session_lock_timeout_ms(session), err) && read_version_rows(session, version, busy, err);
	return end(session, ok, err);
}

// Tenants.

// Every schema of a user, with its table of that name if it has one, whether we may read that, and its columns.
static const char tenants_sql[] =
	"select n.nspname, c.relname, "
	"pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select'), "
	"(select pg_catalog.array_agg(a.attname::pg_catalog.text order by a.attnum) from pg_catalog.pg_attribute a "
	"where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) "
	"from pg_catalog.pg_namespace n left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = $1 "
	"and c.relkind in ('r', 'p') where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' "
	"and not exists (select from pg_catalog.pg_depend d where d.classid = 2615 and d.objid = n.oid and d.deptype = 'e') "
	"order by n.nspname collate \"C\"";

static void find_tenant(struct session *session, const PGresult *found, int at, struct tenant *tenant)
{
	*tenant = (struct tenant){ .schema = arena_strdup(session->arena, PQgetvalue(found, at, 0)) };
	if (PQgetisnull(found, at, 1))
		return;
	const char *path[] = { tenant->schema, PQgetvalue(found, at, 1) };
	tenant->version.name = sql_name_copy(session->arena, path, 2);
	tenant->version.n_columns = array_elements(session->arena, PQgetvalue(found, at, 3), &tenant->version.columns);
	if (strcmp(PQgetvalue(found, at, 2), "t") != 0) {
		tenant->trouble = arena_alloc(session->arena, sizeof *tenant->trouble);
		may_not_read(session, path, tenant->trouble);
	}
}

static bool find_tenants(struct session *session, struct session_versions *versions, struct err *err)
{
	const char *name = NULL;
	if (own_tables(session))
		sql_name_split(session->arena, session->options->versions->table, &name, 1);
	auto_pgresult found = session_run(session, tenants_sql, 1, &name);
	if (PQresultStatus(found) != PGRES_TUPLES_OK)
		return session_error(session, found, "looking for the tenants", err);
	int n = PQntuples(found);
	versions->tenants = arena_array(session->arena, (size_t)n, sizeof *versions->tenants);
	versions->tenants_busy = arena_array(session->arena, (size_t)n, sizeof *versions->tenants_busy);
	for (int i = 0; i < n; i++) {
		if (is_tenant(session, PQgetvalue(found, i, 0)))
			find_tenant(session, found, i, &versions->tenants[versions->n_tenants++]);
	}
	return true;
}

// A row in PostgreSQL's text form: (1,"a b",); a field without anything is NULL.
static const char **record_fields(struct arena *arena, const char *text, size_t n_fields)
{
	const char **fields = arena_array(arena, n_fields, sizeof *fields);
	const char *c = text + (*text == '(');
	for (size_t i = 0; i < n_fields && *c != '\0'; i++) {
		auto_buf field = BUF_INIT;
		bool is_null = *c == ',' || *c == ')', quoted = false;
		for (; *c != '\0' && (quoted || (*c != ',' && *c != ')')); c++) {
			if (*c == '"' && quoted && c[1] == '"')
				buf_addc(&field, *c++);
			else if (*c == '"')
				quoted = !quoted;
			else
				buf_addc(&field, *c == '\\' && c[1] != '\0' ? *++c : *c);
		}
		fields[i] = is_null ? NULL : buf_copy(&field, arena);
		c += *c != '\0';
	}
	return fields;
}

// One statement for all of them. The columns may differ from tenant to tenant, so each row comes as one text.
static bool read_rows_of(struct session *session, struct tenant *const *tenants, size_t n, int lock_timeout_ms, struct err *err)
{
	const char *order = session->options->versions->order;
	auto_buf sql = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_addf(&sql, "%s(select %zu, row(t.*)::pg_catalog.text from %s t%s%s)", i > 0 ? " union all " : "", i,
		         tenants[i]->version.name, order != NULL ? " order by " : "", order != NULL ? order : "");
	if (!begin(session, lock_timeout_ms, err))
		return end(session, false, err);
	auto_pgresult result = session_run(session, sql.data, 0, NULL);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || session_error(session, result, "reading the version table", err);
	if (!end(session, ok, err))
		return false;
	for (int at = 0, n_rows = PQntuples(result); at < n_rows;) {
		struct version_table *version = &tenants[row_oid((struct row){ result, at }, 0)]->version;
		int next = at + 1;
		while (next < n_rows && strcmp(PQgetvalue(result, next, 0), PQgetvalue(result, at, 0)) == 0)
			next++;
		version->rows = arena_array(session->arena, (size_t)(next - at), sizeof *version->rows);
		for (; at < next; at++)
			version->rows[version->n_rows++] = record_fields(session->arena, PQgetvalue(result, at, 1), version->n_columns);
	}
	return true;
}

// Where one of them cannot be read, it is found by halves; the others are read. False: the connection is lost.
static bool read_rows(struct session *session, struct tenant *const *tenants, size_t n, int lock_timeout_ms, struct err *err)
{
	if (n == 0 || read_rows_of(session, tenants, n, lock_timeout_ms, err))
		return true;
	if (PQstatus(session->conn) != CONNECTION_OK)
		return false;
	if (n == 1) {
		tenants[0]->trouble = arena_alloc(session->arena, sizeof *tenants[0]->trouble);
		*tenants[0]->trouble = *err;
		return true;
	}
	return read_rows(session, tenants, n / 2, HALF_LOCK_TIMEOUT_MS, err) &&
	       read_rows(session, tenants + n / 2, n - n / 2, HALF_LOCK_TIMEOUT_MS, err);
}

// The locks that are held while migrations run: all that are held are asked for, and each tenant's keys are looked for there.
static const char locks_sql[] =
	"select (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8), pg_catalog.current_database() from pg_catalog.pg_locks l "
	"where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
	"and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())";

static bool tenant_busy(struct session *session, const PGresult *held, const char *schema)
{
	const struct version_query *query = session->options->versions;
	const char *table = NULL;
	long long key;
	sql_name_split(session->arena, query->table, &table, 1);
	for (unsigned nth = 0; query->lock_key(PQgetvalue(held, 0, 1), schema, table, nth, &key); nth++) {
		for (int i = 0; i < PQntuples(held); i++) {
			if (strtoll(PQgetvalue(held, i, 0), NULL, 10) == key)
				return true;
		}
	}
	return false;
}

static bool read_tenants(struct session *session, struct session_versions *versions, struct err *err)
{
	bool ok = begin(session, session_lock_timeout_ms(session), err) && find_tenants(session, versions, err);
	if (!end(session, ok, err))
		return false;
	struct tenant **readable = arena_array(session->arena, versions->n_tenants, sizeof *readable);
	size_t n = 0;
	for (size_t i = 0; i < versions->n_tenants; i++) {
		if (versions->tenants[i].version.name != NULL && versions->tenants[i].trouble == NULL)
			readable[n++] = &versions->tenants[i];
	}
	for (size_t i = 0; i < n; i += TENANTS_AT_ONCE) {
		size_t n_some = n - i < TENANTS_AT_ONCE ? n - i : TENANTS_AT_ONCE;
		if (!read_rows(session, readable + i, n_some, session_lock_timeout_ms(session), err))
			return false;
	}
	if (n == 0 || session->options->versions->lock_key == NULL)
		return true;
	auto_pgresult held = session_run(session, locks_sql, 0, NULL);
	if (PQresultStatus(held) != PGRES_TUPLES_OK)
		return session_error(session, held, "looking for a running migration", err);
	for (size_t i = 0; PQntuples(held) > 0 && i < versions->n_tenants; i++)
		versions->tenants_busy[i] = tenant_busy(session, held, versions->tenants[i].schema);
	return true;
}

bool session_versions_read(struct session *session, struct session_versions *versions, struct err *err)
{
	*versions = (struct session_versions){ 0 };
	return (session->options->tenants == NULL || read_tenants(session, versions, err)) &&
	       read_version(session, &versions->table, &versions->busy, err);
}

// The tenant of that name; NULL if there is none. They are in the order of their names.
static const struct tenant *tenant_find(const struct session_versions *versions, const char *schema, bool *busy)
{
	size_t low = 0, high = versions->n_tenants;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(versions->tenants[middle].schema, schema);
		if (order == 0) {
			*busy = versions->tenants_busy[middle];
			return &versions->tenants[middle];
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool tenant_settled(const struct session_versions *before, const struct session_versions *after, size_t i)
{
	bool busy = false;
	const struct tenant *was = tenant_find(before, after->tenants[i].schema, &busy);
	return was != NULL && !busy && !after->tenants_busy[i] && version_table_equal(&was->version, &after->tenants[i].version);
}

bool session_versions_settled(const struct session_versions *before, const struct session_versions *after)
{
	bool settled = version_table_equal(&before->table, &after->table) && !before->busy && !after->busy &&
	               before->n_tenants == after->n_tenants;
	for (size_t i = 0; settled && i < after->n_tenants; i++)
		settled = tenant_settled(before, after, i);
	return settled;
}

void session_versions_note_unsettled(struct session *session, const struct session_versions *before, struct session_versions *after)
{
	bool shared = version_table_equal(&before->table, &after->table) && !before->busy && !after->busy;
	for (size_t i = 0; i < after->n_tenants; i++) {
		struct tenant *tenant = &after->tenants[i];
		if ((shared && tenant_settled(before, after, i)) || tenant->trouble != NULL)
			continue;
		tenant->trouble = arena_alloc(session->arena, sizeof *tenant->trouble);
		err_set(tenant->trouble, "deploy-in-flight", session->options->name, "run again when the deploy is done",
		        "migrations are being applied right now");
	}
}
