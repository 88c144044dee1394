// SPDX-License-Identifier: PostgreSQL
// How a statement's time grows with the rows of its table: growth_fit of verdict.h. A power law, fitted to the part of the time
// that is work: what does not grow (planning, catalogs, a commit) is taken to be what the smallest size shows, if that is little.
#include <math.h>

#include "rehearse/verdict.h"

// Below this a difference is noise on any machine.
static const double noise_ms = 5;

static const double superlinear_slope = 1.35, constant_slope = 0.35;

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
	if (grown_ms < noise_ms || grown_ms < constant_slope * most) {
		*predicted_ms = most;
		*error_ms = most > noise_ms ? most / 2 : noise_ms;
		return GROWTH_CONSTANT;
	}
	// the exponent between the two largest sizes, whose work is well above what is fixed
	double above = fixed > 0 && fixed < ms[0] ? fixed : 0;
	double low = ms[n - 2] - above, high = ms[n - 1] - above;
	double exponent = low > 0 && high > 0 ? log(high / low) / log(rows[n - 1] / rows[n - 2]) : 1;
	bool steep = exponent > superlinear_slope && ms[n - 1] > 4 * noise_ms;
	double ratio = at_rows / rows[n - 1];
	*predicted_ms = steep ? above + high * pow(ratio, exponent) : fixed + slope * at_rows;
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
