#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Prints the manual page: docs/driftcheck.1.in with the commands and options of the program, as its --help has them.
#
#   scripts/man.sh PROGRAM TEMPLATE
set -eu
help=$("$1" --help)
version=$("$1" --version)
printf '%s\n' "$help" | awk -v version="${version#driftcheck }" -v template="$2" '
	function escape(text) {
		gsub(/\\/, "\\e", text)
		gsub(/-/, "\\-", text)
		sub(/^[.\047]/, "\\\\\\&&", text)
		return text
	}
	/^[^ ]/ { section = $1 }
	/^  / && (section ~ /^Commands/ || section ~ /^Options/) {
		line = $0
		sub(/^ +/, "", line)
		at = match(line, /  +/)
		item = ".TP\n.B " escape(substr(line, 1, at - 1)) "\n" escape(substr(line, at + RLENGTH)) "\n"
		items[section ~ /^Commands/ ? "@COMMANDS@" : "@OPTIONS@"] = items[section ~ /^Commands/ ? "@COMMANDS@" : "@OPTIONS@"] item
	}
	END {
		while ((getline line < template) > 0) {
			gsub(/@VERSION@/, version, line)
			if (line in items)
				printf "%s", items[line]
			else
				print line
		}
	}'
