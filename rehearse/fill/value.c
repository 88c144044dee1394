// SPDX-License-Identifier: PostgreSQL
// From the number of a value to its bytes, for each type. Values are made in their order and never twice: numbers count upward,
// texts begin with a number of fixed length. What this does not know the server is asked for, once: labels, lists, and for other
// types a single value that its input takes. Formats: the types' receive functions (src/backend/utils/adt of the server).
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "rehearse/fill/plan.h"
#include "rehearse/statistics.h"

enum { TEXT_WIDTH = 16, NUMERIC_DIGITS = 18, SAMPLES = 32 };

struct value_type {
	const char *name;
	int size;                                // of integers and fixed ones, in bytes
	long long least, most, start, span;      // span: values are spread over it; 0: they are consecutive
	void (*put)(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value);
	bool text;                               // its width is chosen
	bool fractional;                         // counted in units of 10^-scale
};

static const long long powers[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
	1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000 };

static void put_bytes(struct buf *out, const void *bytes, uint32_t length)
{
	uint32_t size = htobe32(length);
	buf_add(out, &size, sizeof size);
	buf_add(out, bytes, length);
}

static long long number_of(const struct fill_column *column, uint64_t value)
{
	return column->low + (long long)value * column->step;
}

static void put_integer(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	uint64_t big = htobe64((uint64_t)number_of(column, value));
	put_bytes(out, (const char *)&big + 8 - type->size, (uint32_t)type->size);
}

static void put_float(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	double number = (double)number_of(column, value) / (double)powers[column->scale];
	float single = (float)number;
	uint64_t bits8;
	uint32_t bits4;
	memcpy(&bits8, &number, sizeof bits8);
	memcpy(&bits4, &single, sizeof bits4);
	bits8 = htobe64(bits8);
	bits4 = htobe32(bits4);
	put_bytes(out, type->size == 4 ? (const void *)&bits4 : (const void *)&bits8, (uint32_t)type->size);
}

// Digits of base 10000 from the most significant on, without zeros at either end; returns their number.
static int numeric_digits(long long number, int scale, uint16_t *digits, int *weight)
{
	unsigned long long absolute = number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
	unsigned long long whole = absolute / (unsigned long long)powers[scale], part = absolute % (unsigned long long)powers[scale];
	uint16_t all[16];
	int n_whole = 0, n_part = (scale + 3) / 4, n = 0;
	for (unsigned long long rest = whole; rest > 0; rest /= 10000)
		n_whole++;
	for (int i = n_whole - 1; i >= 0; i--, whole /= 10000)
		all[i] = (uint16_t)(whole % 10000);
	int pad = n_part * 4 - scale;
	for (int i = n_part - 1; i >= 0; i--) {
		unsigned long long base = i == n_part - 1 ? (unsigned long long)powers[4 - pad] : 10000;
		all[n_whole + i] = (uint16_t)(part % base * (unsigned long long)(i == n_part - 1 ? powers[pad] : 1));
		part /= base;
	}
	int first = 0, end = n_whole + n_part;
	while (end > 0 && all[end - 1] == 0)
		end--;
	while (first < end && all[first] == 0)
		first++;
	*weight = first < end ? n_whole - 1 - first : 0;
	for (int i = first; i < end; i++)
		digits[n++] = all[i];
	return n;
}

static void put_numeric(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	(void)type;
	uint16_t digits[16], message[20];
	int weight;
	long long number = number_of(column, value);
	int n = numeric_digits(number, column->scale, digits, &weight);
	message[0] = htobe16((uint16_t)n);
	message[1] = htobe16((uint16_t)weight);
	message[2] = htobe16(number < 0 ? 0x4000 : 0);
	message[3] = htobe16((uint16_t)column->scale);
	for (int i = 0; i < n; i++)
		message[4 + i] = htobe16(digits[i]);
	put_bytes(out, message, (uint32_t)(8 + 2 * n));
}

static void put_interval(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	(void)type;
	uint64_t message[2] = { htobe64((uint64_t)number_of(column, value)), 0 };
	put_bytes(out, message, sizeof message);
}

// A host in 10.0.0.0/8 and beyond. Source: network_recv; 2 stands for IPv4.
static void put_inet(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	uint32_t address = htobe32((uint32_t)number_of(column, value));
	unsigned char message[8] = { 2, 32, strcmp(type->name, "cidr") == 0, 4 };
	memcpy(message + 4, &address, sizeof address);
	put_bytes(out, message, sizeof message);
}

static void put_uuid(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	(void)type;
	uint64_t message[2] = { htobe64((uint64_t)number_of(column, value) << 1), htobe64(mixed(value ^ column->seed)) };
	unsigned char bytes[16];
	memcpy(bytes, message, sizeof bytes);
	bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f));
	bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
	put_bytes(out, bytes, sizeof bytes);
}

// What may stand around the letters of a text, and what these are: tried in turn where a CHECK asks for something that is not
// understood.
struct text_form {
	const char *before, *after, *letters;
	unsigned n_letters;
};

#define LOWER "abcdefghijklmnopqrstuvwxyz", 26
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26
#define DIGITS "0123456789", 10

static const struct text_form forms[] = {
	{ "", "", LOWER }, { "", "", UPPER }, { "", "", DIGITS }, { "", "@example.com", LOWER }, { "https://example.com/", "", LOWER },
	{ "/", "", LOWER }, { "#", "", DIGITS }, { "+1", "", DIGITS }, { "A", "", DIGITS }, { "Aa", "", LOWER },
};
enum { N_FORMS = sizeof forms / sizeof *forms, UPPER_FORM = 1 };

// `n` characters: the value's number, then what follows from it.
static void put_letters(struct buf *out, const struct fill_column *column, uint64_t value, int n)
{
	char piece[512];
	const char *letters = column->form->letters;
	unsigned n_letters = column->form->n_letters;
	int n_digits = column->n_digits < n ? column->n_digits : n;
	uint64_t rest = value;
	for (int i = n_digits - 1; i >= 0; i--, rest /= n_letters)
		piece[i] = letters[rest % n_letters];
	uint64_t bits = 0;
	int at = n_digits;
	for (int i = n_digits; i < n; i++) {
		if (at == (int)sizeof piece) {
			buf_add(out, piece, sizeof piece);
			at = 0;
		}
		if ((i - n_digits) % 8 == 0)
			bits = mixed(bits ^ value ^ column->seed);
		piece[at++] = letters[(bits & 0xff) * n_letters >> 8];
		bits >>= 8;
	}
	buf_add(out, piece, (size_t)at);
}

static void put_text(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	(void)type;
	uint32_t size = htobe32((uint32_t)column->length);
	int around = (int)(strlen(column->form->before) + strlen(column->form->after));
	buf_add(out, &size, sizeof size);
	buf_adds(out, column->form->before);
	put_letters(out, column, value, column->length - around);
	buf_adds(out, column->form->after);
}

static void put_json(struct buf *out, const struct value_type *type, const struct fill_column *column, uint64_t value)
{
	bool binary = strcmp(type->name, "jsonb") == 0;
	uint32_t size = htobe32((uint32_t)column->length + 8 + binary);
	buf_add(out, &size, sizeof size);
	if (binary)
		buf_addc(out, 1); // the version of the format
	buf_adds(out, "{\"k\":\"");
	put_letters(out, column, value, column->length);
	buf_adds(out, "\"}");
}

static void put_range(struct buf *out, const struct fill_column *column, uint64_t value)
{
	auto_buf bounds = BUF_INIT;
	buf_addc(&bounds, 0x02); // the lower bound belongs to it
	column->element->put(&bounds, column->element, column, value);
	column->element->put(&bounds, column->element, column, value + 1);
	put_bytes(out, bounds.data, (uint32_t)bounds.length);
}

static void put_array(struct buf *out, const struct fill_column *column, unsigned element_oid, uint64_t value)
{
	auto_buf items = BUF_INIT;
	uint32_t head[5] = { htobe32(column->n_elements > 0), 0, htobe32(element_oid), htobe32((uint32_t)column->n_elements), htobe32(1) };
	buf_add(&items, head, column->n_elements > 0 ? sizeof head : 3 * sizeof *head);
	for (int i = 0; i < column->n_elements; i++)
		column->element->put(&items, column->element, column, value);
	put_bytes(out, items.data, (uint32_t)items.length);
}

#define DAY_US 86400000000
#define YEAR_2020_DAYS 7305 // since 2000
#define SPAN_DAYS 1826
#define NO_BOUND (INT64_MAX / 4)

static const struct value_type types[] = {
	{ "bool", 1, 0, 1, 0, 1, put_integer },
	{ "int2", 2, INT16_MIN, INT16_MAX, 1, 0, put_integer },
	{ "int4", 4, INT32_MIN, INT32_MAX, 1, 0, put_integer },
	{ "int8", 8, -NO_BOUND, NO_BOUND, 1, 0, put_integer },
	{ "oid", 4, 0, UINT32_MAX, 1, 0, put_integer },
	{ "money", 8, -NO_BOUND, NO_BOUND, 100, 0, put_integer },
	{ "date", 4, -700000, 2000000, YEAR_2020_DAYS, SPAN_DAYS, put_integer },
	{ "timestamp", 8, -60000 * DAY_US, 200000 * DAY_US, YEAR_2020_DAYS * DAY_US, SPAN_DAYS * DAY_US, put_integer },
	{ "timestamptz", 8, -60000 * DAY_US, 200000 * DAY_US, YEAR_2020_DAYS * DAY_US, SPAN_DAYS * DAY_US, put_integer },
	{ "time", 8, 0, DAY_US - 1, 0, DAY_US - 1, put_integer },
	{ "interval", 16, 0, NO_BOUND, 1000000, 30 * DAY_US, put_interval },
	{ "float4", 4, -(1 << 24), 1 << 24, 1, 0, put_float, .fractional = true },
	{ "float8", 8, -NO_BOUND, NO_BOUND, 1, 0, put_float, .fractional = true },
	{ "numeric", 0, -NO_BOUND, NO_BOUND, 1, 0, put_numeric, .fractional = true },
	{ "inet", 7, 0, UINT32_MAX, 10 << 24, 0, put_inet },
	{ "cidr", 7, 0, UINT32_MAX, 10 << 24, 0, put_inet },
	{ "uuid", 16, 0, INT64_MAX, 0, INT64_MAX, put_uuid },
	{ "text", 0, 0, 0, 0, 0, put_text, .text = true },
	{ "varchar", 0, 0, 0, 0, 0, put_text, .text = true },
	{ "bpchar", 0, 0, 0, 0, 0, put_text, .text = true },
	{ "citext", 0, 0, 0, 0, 0, put_text, .text = true },
	{ "name", 0, 0, 0, 0, 0, put_text, .text = true },
	{ "bytea", 0, 0, 0, 0, 0, put_text, .text = true },
	{ "json", 0, 0, 0, 0, 0, put_json, .text = true },
	{ "jsonb", 0, 0, 0, 0, 0, put_json, .text = true },
};

static const struct value_type *type_find(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof types / sizeof *types; i++) {
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

void value_put(struct buf *out, const struct fill_column *as, const struct fill_column *root, uint64_t value)
{
	if (root->list.n > 0)
		put_bytes(out, root->list.bytes[value % root->list.n], (uint32_t)root->list.lengths[value % root->list.n]);
	else if (root->type != NULL)
		root->type->put(out, as->type != NULL ? as->type : root->type, root, value);
	else if (root->type_kind == 'r')
		put_range(out, root, value);
	else
		put_array(out, root, root->element_oid, value);
}

// The values that a query gives; none: it failed.
static struct value_list list_of(struct plan *plan, const char *sql)
{
	struct value_list list = { 0 };
	PGresult *result = PQexecParams(plan->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
	int n = PQresultStatus(result) == PGRES_TUPLES_OK ? PQntuples(result) : 0;
	const char **bytes = arena_array(plan->arena, (size_t)n + 1, sizeof *bytes);
	int *lengths = arena_array(plan->arena, (size_t)n + 1, sizeof *lengths);
	for (int i = 0; i < n; i++) {
		if (PQgetisnull(result, i, 0))
			continue;
		lengths[list.n] = PQgetlength(result, i, 0);
		char *copy = arena_alloc(plan->arena, (size_t)lengths[list.n] + 1);
		memcpy(copy, PQgetvalue(result, i, 0), (size_t)lengths[list.n]);
		bytes[list.n++] = copy;
	}
	PQclear(result);
	list.bytes = bytes;
	list.lengths = lengths;
	return list;
}

static struct value_list list_of_texts(struct plan *plan, const struct fill_column *column, const char *const *texts, size_t n)
{
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select distinct v from (select x::%s as v from pg_catalog.unnest(array[", column->type_sql);
	for (size_t i = 0; i < n; i++) {
		buf_adds(&sql, i > 0 ? ", " : "");
		sql_literal(&sql, texts[i]);
	}
	buf_adds(&sql, "]::text[]) x) s order by v");
	return list_of(plan, sql.data);
}

// One value of a type that is not known here.
static struct value_list constant_of(struct plan *plan, const struct fill_column *column)
{
	static const char *const texts[] = {
		"1", "a", "{}", "(0,0)", "0/0", "empty", "<a/>", "(0,0),(1,1)", "<(0,0),1>", "{1,2,3}", "a=>1", "00:00:00+00", "08:00:2b:01:02:03",
		"08:00:2b:01:02:03:04:05", "[(0,0),(1,1)]", "2024-01-01", "()", "(,)", "(,,)", "(,,,)", "(,,,,)", "(,,,,,)", "(,,,,,,)", "(,,,,,,,)", "1:1:", "POINT(0 0)",
		"a@example.com", "https://example.com", "+15550100", "2001:db8::1", "[1]", "$", "/", "pg_class", "A", "0", "01", "1000", "AAA",
	};
	struct value_list list = { 0 };
	for (size_t i = 0; i < sizeof texts / sizeof *texts && list.n == 0; i++) {
		auto_buf sql = BUF_INIT;
		buf_adds(&sql, "select ");
		sql_literal(&sql, texts[i]);
		buf_addf(&sql, "::%s", column->type_sql);
		list = list_of(plan, sql.data);
	}
	if (list.n == 0 && column->typmod > 0) { // a vector of fixed dimensions
		auto_buf sql = BUF_INIT;
		buf_adds(&sql, "select '[1");
		for (int i = 1; i < column->typmod && i < 20000; i++)
			buf_adds(&sql, ",1");
		buf_addf(&sql, "]'::%s", column->type_sql);
		list = list_of(plan, sql.data);
	}
	return list;
}

// A limit as the number that the type's values are counted in.
static bool limit_number(struct plan *plan, const struct fill_column *column, const struct value_type *type, const char *text, long long *number)
{
	if (type->fractional) {
		double units = strtod(text, NULL) * (double)powers[column->scale];
		*number = units > (double)NO_BOUND ? NO_BOUND : units < -(double)NO_BOUND ? -NO_BOUND : llround(units);
		return true;
	}
	auto_buf sql = BUF_INIT;
	buf_adds(&sql, "select ");
	sql_literal(&sql, text);
	buf_addf(&sql, "::%s", type->name);
	struct value_list list = list_of(plan, sql.data);
	if (list.n != 1 || list.lengths[0] != type->size || type->size > 8)
		return false;
	unsigned long long bits = (list.bytes[0][0] & 0x80) != 0 && type->least < 0 ? ~0ULL : 0;
	for (int i = 0; i < type->size; i++)
		bits = bits << 8 | (unsigned char)list.bytes[0][i];
	*number = (long long)bits;
	return true;
}

static void choose_numbers(struct plan *plan, struct fill_column *column, const struct value_type *type, uint64_t n_rows)
{
	long long least = type->least, most = type->most, number;
	if (type->fractional) {
		bool typed = column->typmod >= 4 && strcmp(type->name, "numeric") == 0;
		int precision = typed ? (column->typmod - 4) >> 16 & 0xffff : NUMERIC_DIGITS;
		column->scale = typed ? (column->typmod - 4) & 0x7ff : 2;
		column->scale = column->scale > 1000 ? 0 : column->scale > 12 ? 12 : column->scale; // a negative scale is that of 15 and later
		if (typed) {
			most = powers[precision > NUMERIC_DIGITS ? NUMERIC_DIGITS : precision] - 1;
			least = -most;
		}
	}
	bool has_low = column->limits.low != NULL && limit_number(plan, column, type, column->limits.low, &number);
	if (has_low)
		least = number + column->limits.low_excluded;
	bool has_high = column->limits.high != NULL && limit_number(plan, column, type, column->limits.high, &number);
	if (has_high)
		most = number - column->limits.high_excluded;
	long long span = type->span > 0 ? type->span : n_rows > 1000 ? (long long)n_rows : 1000;
	column->low = has_low ? least : type->start;
	if (column->low > most || (!has_low && (unsigned long long)(most - column->low) + 1 < n_rows && most - span >= least))
		column->low = most - span >= least ? most - span : least;
	column->high = type->span > 0 && !(has_low && has_high) && most - column->low > span && (uint64_t)span >= n_rows ? column->low + span : most;
	column->capacity = column->high < column->low ? 0 : (uint64_t)(column->high - column->low) + 1;
}

static int length_most(const struct fill_column *column)
{
	long long most = 1 << 20;
	if (column->typmod > 4 && (strcmp(column->type_name, "varchar") == 0 || strcmp(column->type_name, "bpchar") == 0))
		most = column->typmod - 4;
	if (strcmp(column->type_name, "name") == 0)
		most = 63;
	if (column->limits.length_max > 0 && column->limits.length_max < most)
		most = column->limits.length_max;
	return (int)most;
}

static int around(const struct fill_column *column)
{
	return (int)(strlen(column->form->before) + strlen(column->form->after));
}

bool value_choose(struct plan *plan, struct fill_column *column, uint64_t n_rows)
{
	if (column->form == NULL)
		column->form = &forms[column->limits.upper ? UPPER_FORM : 0];
	if (column->limits.low != NULL && column->form->before[0] == '\0') { // a text that begins with another one is greater
		struct text_form *form = arena_alloc(plan->arena, sizeof *form);
		*form = *column->form;
		form->before = column->limits.low;
		column->form = form;
	}
	bool array = column->type_kind == 'b' && column->element_name != NULL;
	column->type = column->type_kind == 'b' && !array ? type_find(column->type_name) : NULL;
	column->element = type_find(column->element_name);
	if (column->list.n > 0)
		;
	else if (column->limits.n_allowed > 0)
		column->list = list_of_texts(plan, column, column->limits.allowed, column->limits.n_allowed);
	else if (column->type_kind == 'e')
		column->list = list_of(plan, arena_printf(plan->arena, "select pg_catalog.unnest(pg_catalog.enum_range(null::%s))", column->type_sql));
	else if (column->type == NULL && (column->element == NULL || (column->element->text && column->type_kind == 'r')))
		column->list = constant_of(plan, column);
	if (column->list.n > 0) {
		column->capacity = column->list.n;
		return true;
	}
	const struct value_type *type = column->type != NULL ? column->type : column->element;
	if (type == NULL)
		return false;
	column->capacity = UINT64_MAX / 4;
	if (!type->text)
		choose_numbers(plan, column, type, n_rows);
	else {
		int n_letters = length_most(column) - around(column);
		if (n_letters < 12)
			column->capacity = n_letters < 1 ? 0 : (uint64_t)llround(pow(column->form->n_letters, n_letters));
	}
	return column->capacity > 0;
}

// The step at which a numeric's values are as wide as the statistics have it: a digit of base 10000 is two bytes, and zeros at the
// end take none.
static void spread_numeric(struct fill_column *column, uint64_t n, double width)
{
	double best = INFINITY;
	long long room = column->high - column->low, step = 1, low = column->low;
	for (int whole = 0; whole <= (column->scale > 0); whole++) {
		long long unit = whole ? powers[column->scale] : 1;
		for (int i = 0; i < 3 * NUMERIC_DIGITS; i++) {
			long long top = powers[i / 3] * (long long[]){ 1, 2, 5 }[i % 3];
			long long candidate = top / (long long)n / unit * unit;
			candidate = candidate < unit ? unit : whole ? candidate : candidate | (column->scale > 0);
			long long from = whole ? (column->low + unit - 1) / unit * unit : column->low;
			if (candidate > (room - (from - column->low)) / (long long)n)
				continue;
			double sum = 0;
			for (int s = 0; s < SAMPLES; s++) {
				uint16_t digits[16];
				int weight;
				sum += 3 + 2 * numeric_digits(from + (long long)scaled((uint64_t)s, n, SAMPLES) * candidate, column->scale, digits, &weight);
			}
			if (fabs(sum / SAMPLES - width) < best) {
				best = fabs(sum / SAMPLES - width);
				step = candidate;
				low = from;
			}
		}
	}
	column->step = step;
	column->low = low;
}

static void spread_text(struct fill_column *column, const struct value_type *type, uint64_t n, double width)
{
	int body = (int)width - (width <= 127 ? 1 : 4);
	if (type->put == put_json)
		body -= strcmp(type->name, "jsonb") == 0 ? 16 : 8;
	column->n_digits = 1;
	for (uint64_t rest = (n - 1) / column->form->n_letters; rest > 0; rest /= column->form->n_letters)
		column->n_digits++;
	int least = column->n_digits + around(column), most = length_most(column);
	least = column->limits.length_min > least ? (int)column->limits.length_min : least;
	body = column->type != NULL && strcmp(column->type->name, "bpchar") == 0 && column->typmod > 4 ? most : body;
	column->length = body > most ? most : body < least ? least : body;
}

void value_spread(struct fill_column *column, uint64_t n_distinct)
{
	const struct value_type *type = column->type != NULL ? column->type : column->element;
	uint64_t n = n_distinct > 0 ? n_distinct : 1;
	double width = column->statistics != NULL && column->statistics->avg_width > 0 ? column->statistics->avg_width : TEXT_WIDTH;
	if (column->list.n > 0 || type == NULL)
		return;
	if (column->type == NULL && column->type_kind != 'r') { // an array: a header of 24 bytes, elements aligned
		double each = type->text ? 20 : type->size < 4 ? 4 : type->size;
		column->n_elements = column->statistics != NULL && width <= 20 ? 0 : (int)fmax(1, round((width - 24) / each));
		width = type->text && column->n_elements > 0 ? (width - 24) / column->n_elements - 3 : width;
	}
	if (type->text)
		spread_text(column, type, n, width);
	else if (strcmp(type->name, "numeric") == 0)
		spread_numeric(column, n, width);
	else {
		long long room = column->high - column->low;
		column->step = type->span > 0 ? room / (long long)n : 1;
		column->step = column->step < 1 ? 1 : column->step;
	}
}

bool value_is_wide(const struct fill_column *column)
{
	return column->type != NULL && column->type->text && column->list.n == 0;
}

bool value_comparable(const struct fill_column *column, const struct fill_column *other)
{
	return column->type != NULL && column->type == other->type && !column->type->text && column->list.n == 0 && other->list.n == 0 &&
	       column->scale == other->scale;
}

long long value_number(const struct fill_column *column, uint64_t value)
{
	return number_of(column, value);
}

uint64_t value_from(const struct fill_column *column, long long number)
{
	return number <= column->low ? 0 : (uint64_t)(number - column->low + column->step - 1) / (uint64_t)column->step;
}

bool value_keep(struct plan *plan, const struct fill_table *table, struct fill_column *column, struct err *err)
{
	auto_buf sql = BUF_INIT;
	buf_adds(&sql, "select ");
	sql_ident(&sql, column->name);
	buf_addf(&sql, " from %s order by ctid", table->sql);
	column->list = list_of(plan, sql.data);
	if (column->list.n != table->n_rows)
		return err_set(err, "fill", table->sql, NULL, "its values of %s cannot be read: %s", column->name, PQerrorMessage(plan->conn));
	return true;
}

// Whether the values that are made for a column are what its domain and the CHECKs of its table want: how many of them accept one,
// with all other columns null. -1: the domain does not.
static int n_accepting(struct plan *plan, const struct fill_table *table, const struct fill_column *column, uint64_t value)
{
	auto_buf text = BUF_INIT;
	auto_buf sql = BUF_INIT;
	value_put(&text, column, column, value);
	buf_adds(&sql, "select 0");
	for (size_t i = 0; i < plan->n_checks; i++) {
		if (plan->checks[i].table == table)
			buf_addf(&sql, " + coalesce((%s)::int, 1)", plan->checks[i].expression);
	}
	buf_adds(&sql, " from (select ");
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct fill_column *other = &table->columns[i];
		buf_adds(&sql, i > 0 ? ", " : "");
		bool this = other->number == column->number;
		if (this)
			sql_literal(&sql, text.data + sizeof(uint32_t));
		else
			buf_adds(&sql, "null");
		buf_addf(&sql, "::%s as ", this || other->type_kind != 'b' ? other->type_sql : other->base_sql);
		sql_ident(&sql, other->name);
	}
	buf_adds(&sql, ") x");
	auto_pgresult result = PQexec(plan->conn, sql.data);
	return PQresultStatus(result) == PGRES_TUPLES_OK ? atoi(PQgetvalue(result, 0, 0)) : -1;
}

void value_shape(struct plan *plan, const struct fill_table *table, struct fill_column *column, uint64_t n_rows)
{
	if (column->type == NULL || column->type->put != put_text || strcmp(column->type_name, "bytea") == 0 || column->list.n > 0)
		return;
	const struct text_form *best_form = column->form;
	int best = -2;
	for (size_t i = 0; i <= N_FORMS; i++) { // the first is the one that it has
		struct fill_column tried = *column;
		tried.form = i == 0 ? column->form : &forms[i - 1];
		if (!value_choose(plan, &tried, n_rows))
			continue;
		value_spread(&tried, n_rows > 0 && n_rows < tried.capacity ? n_rows : tried.capacity);
		int n = n_accepting(plan, table, &tried, n_rows / 2);
		if (n > best) {
			best = n;
			best_form = tried.form;
		}
	}
	column->form = best_form;
	if (best < 0) // its domain wants something else
		column->list = constant_of(plan, column);
	value_choose(plan, column, n_rows);
}
