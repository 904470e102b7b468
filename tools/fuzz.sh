#!/bin/sh
# Runs every fuzz target of the given packages for $FUZZTIME, one after the other: go test takes one at a time. What a target found is
# below testdata/fuzz of its package: commit it with the mend. Each package is compiled once, with the counters by which fuzzing finds its way;
# with GUIDED=no without them: they take another build of all that is imported, and inputs are then changed at random.
set -eu
: "${GO:=go}" "${FUZZTIME:=10s}" "${GUIDED:=yes}"
case $GUIDED in
no) guided= ;;
*) guided="-fuzz=." ;;
esac
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for package in $("$GO" list -f '{{.Dir}}' "$@"); do
	targets=$(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go 2>/dev/null | sed 's/^func //') || continue
	(cd "$package" && "$GO" test -vet=off -c $guided -o "$work/fuzz.test" .) || { status=1; continue; }
	for target in $targets; do
		log=$work/log
		if (cd "$package" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$FUZZTIME" -test.fuzzminimizetime 2s \
			-test.fuzzcachedir "$work/cache/$target" ${PARALLEL:+-test.parallel "$PARALLEL"}) >"$log" 2>&1; then
			echo "$target: $(grep -o 'execs: [0-9]*' "$log" | tail -n 1), nothing found in $FUZZTIME"
		elif grep -q '^    context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log"; then
			# Go takes the end of the time for a failure if it comes while an input is tried.
			echo "$target: $(grep -o 'execs: [0-9]*' "$log" | tail -n 1), nothing found until the time was over"
		else
			status=1
			echo "$target failed:"
			tail -n 30 "$log"
		fi
	done
done
exit $status
