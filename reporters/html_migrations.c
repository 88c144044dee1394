// SPDX-License-Identifier: PostgreSQL
// The timeline of the HTML report, newest migration first: a table with a lane for each environment, as in a graph of commits.
// What is pending, skipped or out of the ordinary has a row, and so has where an environment stands and where a hand edit
// belongs; the long past that all have in common is one row that unfolds.
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/html_timeline.h"
#include "reporters/show.h"

enum {
	FOLD_APPLIED = 3, // so many rows in succession that are applied everywhere fold into one
	FOLD_OTHERS = 6, ENDS_SHOWN = 1, // longer runs of others fold, but for their ends
	LINKS_MOST = 6,   // findings named in one row
	LANES_WIDE = 3, NAME_WIDE = 9, // headings of more lanes, or longer ones, stand upright
};

struct table {
	const struct html_page *page;
	const struct timeline *timeline;
	bool seen[STANDING_ABSENT + 1], seen_touched, seen_hand, seen_head; // what the legend has to explain
};

static void cell(struct table *table, const char *class, const char *mark, const char *word)
{
	struct buf *out = table->page->out;
	buf_addf(out, "<td class=\"lane %s\">", class);
	if (mark != NULL)
		html_mark(out, mark);
	buf_addf(out, "<span class=\"hidden\">%s</span></td>", word);
}

// The environments of which something is said in a row.
static const struct env_report **envs_of(const struct table *table, size_t *n)
{
	*n = 0;
	return arena_array(table->page->arena, table->page->report->n_envs, sizeof(struct env_report *));
}

static void add_env(const struct env_report **envs, size_t *n, const struct env_report *env)
{
	for (size_t i = 0; i < *n; i++) {
		if (envs[i] == env)
			return;
	}
	envs[(*n)++] = env;
}

static bool in_lane(const struct lane *lane, const struct env_report *env)
{
	for (size_t i = 0; i < lane->n; i++) {
		if (lane->envs[i] == env)
			return true;
	}
	return false;
}

// Whether there is something to mark in the lane; `by_hand`: a hand edit.
static bool is_marked(const struct lane *lane, const struct mark *marks, size_t n_marks, enum mark_place place, bool by_hand)
{
	for (size_t i = 0; i < n_marks; i++) {
		if (marks[i].place == place && (!by_hand || marks[i].item->finding->class == CLASS_HAND_EDIT) &&
		    in_lane(lane, marks[i].item->env))
			return true;
	}
	return false;
}

// The findings that belong to a row, by what is said of them.
static const struct { enum finding_class class; const char *word; } links_of[] = {
	{ CLASS_COLLISION, "changed by hand too" }, { CLASS_HAND_EDIT, "changed by hand since" }, { CLASS_SKIPPED, "not there" },
	{ CLASS_AHEAD, "there already" }, { CLASS_VERSION_SKEW, "at another version" },
};

static void links(const struct table *table, const struct mark *marks, size_t n_marks, enum mark_place place,
                  enum finding_class class, const char *word)
{
	struct buf *out = table->page->out;
	const struct html_group *before = NULL;
	size_t n = 0, n_envs;
	const struct env_report **envs = envs_of(table, &n_envs);
	auto_buf list = BUF_INIT;
	for (size_t i = 0; i < n_marks; i++) {
		const struct finding *finding = marks[i].item->finding;
		if (marks[i].place != place || finding->class != class)
			continue;
		add_env(envs, &n_envs, marks[i].item->env);
		if (marks[i].group == before)
			continue;
		before = marks[i].group;
		if (n++ >= LINKS_MOST)
			continue;
		buf_addf(&list, "%s <a href=\"#", n == 1 ? "" : ",");
		html_text(&list, marks[i].group->anchor);
		buf_addf(&list, "\">%s ", finding->object->kind->name);
		html_text(&list, finding->name);
		buf_adds(&list, "</a>");
	}
	if (n == 0)
		return;
	buf_addf(out, "<div>%s", word);
	if (table->timeline->n_lanes > 1) {
		buf_adds(out, " in ");
		html_env(out, html_env_names(table->page->arena, envs, n_envs));
	}
	buf_addf(out, ":%s", list.data);
	if (n > LINKS_MOST)
		buf_addf(out, " and %zu more", n - LINKS_MOST);
	buf_adds(out, "</div>");
}

// A row of its own for what is dated: between two migrations.
static void dated_row(struct table *table, const struct mark *marks, size_t n_marks, enum mark_place place, size_t step)
{
	struct buf *out = table->page->out;
	bool any = false;
	for (size_t i = 0; i < n_marks; i++)
		any = any || marks[i].place == place;
	if (!any)
		return;
	table->seen_hand = true;
	buf_adds(out, "<tr class=\"between\">");
	for (size_t l = 0; l < table->timeline->n_lanes; l++) {
		const struct lane *lane = &table->timeline->lanes[l];
		bool here = is_marked(lane, marks, n_marks, place, false);
		cell(table, html_standing_names[lane->standing[step]], here ? "hand" : NULL, here ? "changed by hand" : "");
	}
	buf_adds(out, "<th scope=\"row\">");
	const char *word = place == PLACE_AFTER ? "changed by hand after" : "changed by hand before";
	for (size_t i = 0; i < sizeof links_of / sizeof *links_of; i++)
		links(table, marks, n_marks, place, links_of[i].class, word);
	buf_adds(out, "</th></tr>\n");
}

static const struct pending_line *pending_line(const struct env_report *env, const char *version)
{
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		if (strcmp(env->pending_lines[i].version, version) == 0)
			return &env->pending_lines[i];
	}
	return NULL;
}

// What a pending migration would do: the same in most environments, then said once.
static void effects(const struct table *table, const char *version)
{
	const struct timeline *timeline = table->timeline;
	const struct pending_line **said = arena_array(table->page->arena, table->page->report->n_envs, sizeof *said);
	size_t n_said = 0;
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		for (size_t e = 0; e < timeline->lanes[l].n; e++) {
			const struct env_report *env = timeline->lanes[l].envs[e];
			const struct pending_line *line = pending_line(env, version);
			const char *text = line == NULL || line->effects == NULL ? "" : line->effects;
			bool again = line == NULL || (*text == '\0' && !line->outdated);
			for (size_t i = 0; i < n_said; i++)
				again = again || (line != NULL && said[i]->outdated == line->outdated &&
				                  strcmp(said[i]->effects == NULL ? "" : said[i]->effects, text) == 0);
			if (again)
				continue;
			buf_adds(table->page->out, " <span class=\"effects\">");
			if (n_said > 0) {
				html_env(table->page->out, env->name);
				buf_adds(table->page->out, ": ");
			}
			buf_adds(table->page->out, line->outdated ? "its text changed since it last ran" : "");
			buf_adds(table->page->out, line->outdated && *text != '\0' ? "; " : "");
			html_prose(table->page->out, text);
			buf_adds(table->page->out, "</span>");
			said[n_said++] = line;
		}
	}
}

static const char *label_of(const struct table *table, size_t step)
{
	const struct migration_line *line = &table->timeline->steps[step];
	for (size_t l = 0; l < table->timeline->n_lanes && strcmp(line->label, line->version) == 0; l++) {
		const struct pending_line *pending = pending_line(table->timeline->lanes[l].envs[0], line->version);
		if (pending != NULL)
			return pending->label;
	}
	return line->label;
}

static void tags(const struct table *table, size_t step)
{
	struct buf *out = table->page->out;
	const struct timeline *timeline = table->timeline;
	size_t n;
	const struct env_report **envs = envs_of(table, &n);
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		for (size_t e = 0; timeline->lanes[l].head == step && e < timeline->lanes[l].n; e++)
			envs[n++] = timeline->lanes[l].envs[e];
	}
	if (n > 0) {
		buf_adds(out, " <span class=\"tag here\">");
		html_text(out, html_env_names(table->page->arena, envs, n));
		buf_adds(out, "</span>");
	}
	if (timeline->repo->head != NULL && strcmp(timeline->repo->head, timeline->steps[step].version) == 0)
		buf_adds(out, " <span class=\"tag\">repo head</span>");
	if (step >= timeline->n_known)
		buf_adds(out, " <span class=\"tag\">not in this checkout</span>");
}

static void step_row(struct table *table, size_t step)
{
	struct buf *out = table->page->out;
	const struct timeline *timeline = table->timeline;
	size_t n_marks;
	const struct mark *marks = html_timeline_marks(timeline, step, &n_marks);
	dated_row(table, marks, n_marks, PLACE_AFTER, step);
	buf_adds(out, "<tr>");
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		const struct lane *lane = &timeline->lanes[l];
		enum standing standing = lane->standing[step];
		const char *word = html_standing_names[standing];
		bool touched = standing == STANDING_APPLIED && is_marked(lane, marks, n_marks, PLACE_AT, true);
		bool head = standing == STANDING_APPLIED && lane->head == step;
		table->seen[standing] = true;
		table->seen_touched |= touched;
		table->seen_head |= head && !touched;
		cell(table, word, *word == '\0' ? NULL : touched ? "touched" : head ? "head" : word,
		     touched ? "applied, changed by hand since" : word);
	}
	buf_adds(out, "<th scope=\"row\">");
	html_code(out, label_of(table, step));
	tags(table, step);
	effects(table, timeline->steps[step].version);
	for (size_t i = 0; i < sizeof links_of / sizeof *links_of; i++)
		links(table, marks, n_marks, PLACE_AT, links_of[i].class, links_of[i].word);
	buf_adds(out, "</th></tr>\n");
	dated_row(table, marks, n_marks, PLACE_BEFORE, step);
}

// Where a step is not applied: ", pending in fresh".
static void standings(const struct table *table, size_t step)
{
	const struct timeline *timeline = table->timeline;
	for (int standing = STANDING_APPLIED + 1; standing < STANDING_ABSENT; standing++) {
		size_t n, n_all = 0;
		const struct env_report **envs = envs_of(table, &n);
		for (size_t l = 0; l < timeline->n_lanes; l++) {
			for (size_t e = 0; e < timeline->lanes[l].n; e++, n_all++) {
				if (timeline->lanes[l].standing[step] == standing)
					envs[n++] = timeline->lanes[l].envs[e];
			}
		}
		if (n > 0)
			buf_addf(table->page->out, ", %s%s", html_standing_names[standing],
			         n < n_all ? " in " : n_all > 1 ? " everywhere" : "");
		if (n > 0 && n < n_all)
			html_env(table->page->out, html_env_names(table->page->arena, envs, n));
	}
}

// Steps `from` to `until` (without it), folded.
static void folded_row(struct table *table, size_t from, size_t until)
{
	struct buf *out = table->page->out;
	const struct timeline *timeline = table->timeline;
	buf_adds(out, "<tr class=\"folded\">");
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		enum standing standing = timeline->lanes[l].standing[from];
		table->seen[standing] = true;
		cell(table, html_standing_names[standing], NULL, html_standing_names[standing]);
	}
	buf_addf(out, "<th scope=\"row\"><details><summary>%zu more, ", until - from);
	html_text(out, timeline->steps[from].version);
	buf_adds(out, " to ");
	html_text(out, timeline->steps[until - 1].version);
	buf_adds(out, html_timeline_is_applied(timeline, from) && timeline->n_lanes > 1 ? ", applied everywhere" : "");
	standings(table, from);
	buf_adds(out, "</summary>\n<ol reversed>\n");
	for (size_t i = until; i-- > from;) {
		buf_adds(out, "<li>");
		html_code(out, label_of(table, i));
		effects(table, timeline->steps[i].version);
		buf_adds(out, "</li>\n");
	}
	buf_adds(out, "</ol></details></th></tr>\n");
}

static void rows(struct table *table)
{
	const struct timeline *timeline = table->timeline;
	for (size_t end = timeline->n_steps; end > 0;) {
		size_t from = end;
		while (from > 0 && html_timeline_is_plain(timeline, from - 1) && html_timeline_is_same(timeline, from - 1, end - 1))
			from--;
		size_t n = end - from;
		bool applied = n > 0 && html_timeline_is_applied(timeline, from);
		size_t ends = applied ? 0 : ENDS_SHOWN;
		if (n < (applied ? FOLD_APPLIED : FOLD_OTHERS)) {
			for (from = n == 0 ? end - 1 : from; end > from; end--)
				step_row(table, end - 1);
			continue;
		}
		for (size_t i = 0; i < ends; i++)
			step_row(table, end - 1 - i);
		folded_row(table, from + ends, end - ends);
		for (size_t i = ends; i-- > 0;)
			step_row(table, from + i);
		end = from;
	}
}

static void legend_entry(const struct table *table, const char *mark, const char *word, const char *html)
{
	struct buf *out = table->page->out;
	buf_adds(out, "<div><dt>");
	html_mark(out, mark);
	buf_addf(out, "%s</dt><dd>%s</dd></div>\n", word, html);
}

// The names of the environments of which `versions` is not empty, joined; NULL: none.
static const char *with_versions(const struct table *table, size_t word)
{
	size_t n;
	const struct env_report **envs = envs_of(table, &n);
	for (size_t l = 0; l < table->timeline->n_lanes; l++) {
		for (size_t e = 0; e < table->timeline->lanes[l].n; e++) {
			struct version_words words[VERSION_WORDS];
			show_version_words(table->timeline->lanes[l].envs[e], words);
			if (words[word].versions->n > 0)
				envs[n++] = table->timeline->lanes[l].envs[e];
		}
	}
	return n == 0 ? NULL : html_env_names(table->page->arena, envs, n);
}

// What to run, and where: for each command the environments that wait for it.
static void command(const struct table *table, struct buf *html, const char *(*command_of)(const struct env_report *),
                    bool pending)
{
	size_t n;
	const struct env_report **envs = envs_of(table, &n);
	const char *text = NULL;
	for (size_t l = 0; l < table->timeline->n_lanes; l++) {
		for (size_t e = 0; e < table->timeline->lanes[l].n; e++) {
			const struct env_report *env = table->timeline->lanes[l].envs[e];
			if (command_of(env) == NULL || (pending && env->pending.n + env->dirty.n == 0))
				continue;
			text = command_of(env); // of the framework: the same for all
			envs[n++] = env;
		}
	}
	if (n == 0)
		return;
	html_code(html, text);
	buf_adds(html, " in ");
	html_env(html, html_env_names(table->page->arena, envs, n));
}

static void legend(struct table *table)
{
	struct buf *out = table->page->out;
	struct version_words words[VERSION_WORDS];
	static const struct env_report nobody = { 0 };
	show_version_words(&nobody, words);
	buf_adds(out, "<dl class=\"legend\">\n");
	for (size_t i = 0; i < VERSION_WORDS; i++) {
		const char *names = with_versions(table, i);
		auto_buf meaning = BUF_INIT;
		if (names == NULL)
			continue;
		show_template(&meaning, words[i].meaning, names, html_env);
		legend_entry(table, words[i].word, words[i].word, meaning.data);
	}
	if (table->seen_touched)
		legend_entry(table, "touched", "changed by hand since", "after it was applied; when exactly is not known");
	if (table->seen_hand)
		legend_entry(table, "hand", "changed by hand", "between the two migrations");
	auto_buf first = BUF_INIT, run = BUF_INIT;
	command(table, &first, show_repair, false);
	command(table, &run, show_deploy, true);
	if (first.length > 0)
		buf_addf(out, "<div><dt>first</dt><dd>%s</dd></div>\n", first.data);
	if (table->seen[STANDING_PENDING])
		legend_entry(table, "pending", "pending", run.length > 0 ? run.data : "not applied yet");
	else if (run.length > 0)
		buf_addf(out, "<div><dt>run</dt><dd>%s</dd></div>\n", run.data);
	if (table->seen_head)
		legend_entry(table, "head", "newest applied", "where an environment stands");
	buf_adds(out, "</dl>\n");
}

static void table_head(const struct table *table)
{
	struct buf *out = table->page->out;
	const struct timeline *timeline = table->timeline;
	bool upright = timeline->n_lanes > LANES_WIDE;
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		const struct lane *lane = &timeline->lanes[l];
		upright = upright || show_width(html_env_names(table->page->arena, lane->envs, lane->n)) > NAME_WIDE;
	}
	buf_addf(out, "<table class=\"timeline%s\">\n<thead><tr>", upright ? " upright" : "");
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		buf_adds(out, "<th scope=\"col\"><span>");
		html_text(out, html_env_names(table->page->arena, timeline->lanes[l].envs, timeline->lanes[l].n));
		buf_adds(out, "</span></th>");
	}
	buf_adds(out, "<th scope=\"col\" class=\"what\">Migration, newest first</th></tr></thead>\n<tbody>\n");
}

// Nothing to see where every environment is at the repository's head and nothing has a place in between.
static bool is_dull(const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->n_steps; i++) {
		size_t n_marks;
		html_timeline_marks(timeline, i, &n_marks);
		if (n_marks > 0 || !html_timeline_is_applied(timeline, i))
			return false;
	}
	return true;
}

size_t html_migrations(const struct html_page *page, const struct html_part *part)
{
	(void)part;
	for (size_t r = 0; r < page->report->n_repos && !html_is_diff(page->report); r++) {
		const struct repo_report *repo = &page->report->repos[r];
		struct timeline timeline;
		html_timeline_make(page, repo, &timeline);
		if (timeline.n_lanes == 0 || is_dull(&timeline))
			continue;
		struct table table = { .page = page, .timeline = &timeline };
		if (page->report->n_repos > 1) {
			buf_adds(page->out, "<h3>");
			html_text(page->out, *repo->name != '\0' ? repo->name : repo->path);
			buf_adds(page->out, "</h3>\n");
		}
		buf_adds(page->out, "<div class=\"scroll\" role=\"region\" aria-label=\"Timeline of migrations\" tabindex=\"0\">\n");
		table_head(&table);
		rows(&table);
		buf_adds(page->out, "</tbody>\n</table>\n</div>\n");
		legend(&table);
		if (timeline.n_unread > 0) {
			buf_adds(page->out, "<p class=\"lead\">Not shown, since no version was read there: ");
			html_env(page->out, html_env_names(page->arena, timeline.unread, timeline.n_unread));
			buf_adds(page->out, ".</p>\n");
		}
	}
	return 0;
}
