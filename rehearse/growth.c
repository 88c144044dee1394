// SPDX-License-Identifier: PostgreSQL
// How a statement's time grows with the rows of its table: growth_fit of verdict.h. A straight line through the measurements tells what
// does not grow (planning, catalogs, a commit); the exponent of the rest, between each size and the next, tells a line from what is
// steeper. Sorting is n log n, which is no more than 1.1 between such sizes: called linear.
#include <math.h>

#include "rehearse/verdict.h"

// Below this a difference is noise on any machine.
static const double noise_ms = 5;

static const double superlinear_exponent = 1.5, constant_part = 0.35;

enum growth growth_fit(const double *rows, const double *ms, size_t n, double at_rows, double *predicted_ms, double *error_ms)
{
	*predicted_ms = *error_ms = -1;
	if (n < 3 || rows[0] <= 0 || rows[n - 1] <= rows[0])
		return GROWTH_UNKNOWN;
	double most = 0;
	for (size_t i = 0; i < n; i++)
		most = ms[i] > most ? ms[i] : most;
	// a straight line through the measurements: time = fixed + slope * rows
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
	for (size_t i = 0; i < n; i++) {
		mean_x += rows[i] / (double)n;
		mean_y += ms[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		xx += (rows[i] - mean_x) * (rows[i] - mean_x);
		xy += (rows[i] - mean_x) * (ms[i] - mean_y);
	}
	double slope = xy / xx, fixed = mean_y - slope * mean_x;
	double grown_ms = slope * (rows[n - 1] - rows[0]);
	if (grown_ms < noise_ms || grown_ms < constant_part * most) {
		*predicted_ms = most;
		*error_ms = most > noise_ms ? most / 2 : noise_ms;
		return GROWTH_CONSTANT;
	}
	double exponent = INFINITY;
	bool steep = ms[0] > noise_ms;
	for (size_t i = 1; i < n; i++) {
		double between = ms[i - 1] > 0 && ms[i] > 0 ? log(ms[i] / ms[i - 1]) / log(rows[i] / rows[i - 1]) : 0;
		steep = steep && between > superlinear_exponent;
		exponent = between < exponent ? between : exponent;
	}
	double ratio = at_rows / rows[n - 1];
	*predicted_ms = steep ? ms[n - 1] * pow(ratio, exponent) : fixed + slope * at_rows;
	if (*predicted_ms < 0)
		*predicted_ms = ms[n - 1] * ratio;
	// the error: how far the measurements lie from the line, carried to the predicted size
	double worst = 0;
	for (size_t i = 0; i < n; i++) {
		double off = fabs(ms[i] - (fixed + slope * rows[i]));
		worst = off > worst ? off : worst;
	}
	*error_ms = worst * (ratio > 1 ? ratio : 1);
	return steep ? GROWTH_SUPERLINEAR : GROWTH_LINEAR;
}
