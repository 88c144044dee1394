// SPDX-License-Identifier: PostgreSQL
// How a statement's time grows with the rows of its table: growth_fit of verdict.h. A straight line through the measurements tells what
// does not grow (planning, catalogs, a commit); the exponent of the rest, between each size and the next, tells a line from what is
// steeper. Sorting is n log n, which is no more than 1.1 between such sizes: called linear. Times alone are a weak witness: a busy machine
// adds ten milliseconds to a statement that does nothing. So work that grows with the rows counts, and time alone only where it is far
// above what chance adds.
#include <math.h>

#include "rehearse/verdict.h"

// Below the first a difference of times is noise on any machine; below the second it is, where no work explains it.
static const double noise_ms = 5, unexplained_ms = 250;

// Less than this is read or written by catalogs, and by the first change of a page after a checkpoint.
static const double least_rows = 1000, least_wal_bytes = 256 << 10, least_pages = 5;

static const double superlinear_exponent = 1.5;

// Whether a count keeps up with the rows, by half at least, from each size to the next of those at which it is known (not < 0).
static bool keeps_up(const struct growth_point *points, size_t n, long long (*count)(const struct growth_point *point), double least)
{
	const struct growth_point *first = NULL, *last = NULL;
	bool grows = true;
	for (size_t i = 0; i < n; i++) {
		if (count(&points[i]) < 0)
			continue;
		double rows = last == NULL ? 1 : points[i].rows / last->rows;
		grows = grows && (last == NULL || (double)count(&points[i]) >= (double)count(last) * (1 + (rows - 1) / 2));
		first = first == NULL ? &points[i] : first;
		last = &points[i];
	}
	grows = grows && last != first && (double)(count(last) - count(first)) >= least * (last->rows - first->rows) / (points[n - 1].rows - points[0].rows);
	return grows;
}

static long long rows_read(const struct growth_point *point)
{
	return point->rows_read;
}

static long long wal_bytes(const struct growth_point *point)
{
	return point->wal_bytes;
}

static long long pages(const struct growth_point *point)
{
	return point->pages;
}

static bool works(const struct growth_point *points, size_t n)
{
	bool rewrites = true;
	for (size_t i = 0; i < n; i++)
		rewrites = rewrites && points[i].rewrites;
	return rewrites || keeps_up(points, n, rows_read, least_rows) || keeps_up(points, n, wal_bytes, least_wal_bytes) ||
	       keeps_up(points, n, pages, least_pages);
}

// Whether times alone tell: each size takes clearly longer than the one before it.
static bool takes_longer(const struct growth_point *points, size_t n)
{
	bool longer = points[n - 1].ms - points[0].ms >= unexplained_ms;
	for (size_t i = 1; i < n; i++)
		longer = longer && points[i].ms - points[i - 1].ms > noise_ms && points[i].ms >= 2 * points[i - 1].ms;
	return longer;
}

enum growth growth_fit(const struct growth_point *points, size_t n, double at_rows, double *predicted_ms, double *error_ms)
{
	*predicted_ms = *error_ms = -1;
	if (n < 3 || points[0].rows <= 0)
		return GROWTH_UNKNOWN;
	double most = 0;
	for (size_t i = 0; i < n; i++) {
		most = points[i].ms > most ? points[i].ms : most;
		if (i > 0 && points[i].rows <= points[i - 1].rows)
			return GROWTH_UNKNOWN;
	}
	// a straight line through the measurements: time = fixed + slope * rows
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
	for (size_t i = 0; i < n; i++) {
		mean_x += points[i].rows / (double)n;
		mean_y += points[i].ms / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		xx += (points[i].rows - mean_x) * (points[i].rows - mean_x);
		xy += (points[i].rows - mean_x) * (points[i].ms - mean_y);
	}
	double slope = xy / xx > 0 ? xy / xx : 0, fixed = mean_y - slope * mean_x;
	if (!works(points, n) && !takes_longer(points, n)) {
		*predicted_ms = most;
		*error_ms = most > noise_ms ? most / 2 : noise_ms;
		return GROWTH_CONSTANT;
	}
	double exponent = INFINITY;
	bool steep = points[0].ms > noise_ms;
	for (size_t i = 1; i < n; i++) {
		const struct growth_point *from = &points[i - 1], *to = &points[i];
		double between = from->ms > 0 && to->ms > 0 ? log(to->ms / from->ms) / log(to->rows / from->rows) : 0;
		steep = steep && between > superlinear_exponent;
		exponent = between < exponent ? between : exponent;
	}
	const struct growth_point *last = &points[n - 1];
	double ratio = at_rows / last->rows;
	*predicted_ms = steep ? last->ms * pow(ratio, exponent) : fixed + slope * at_rows;
	if (*predicted_ms < 0)
		*predicted_ms = last->ms * ratio;
	// the error: how far the measurements lie from the line, carried to the predicted size
	double worst = fabs(last->ms - points[0].ms) < noise_ms ? noise_ms : 0;
	for (size_t i = 0; i < n; i++) {
		double off = fabs(points[i].ms - (fixed + slope * points[i].rows));
		worst = off > worst ? off : worst;
	}
	*error_ms = worst * (ratio > 1 ? ratio : 1);
	return steep ? GROWTH_SUPERLINEAR : GROWTH_LINEAR;
}
