#!/bin/sh
# timed.sh [NAME=value ...] COMMAND ...: runs a go test, and says at the end which packages took longest.
set -eu
log=$(mktemp)
trap 'rm -f "$log" "$log.code"' EXIT
began=$(date +%s)
{ code=0; env "$@" 2>&1 || code=$?; echo $code >"$log.code"; } | tee "$log"
echo "took $(($(date +%s) - began)) s in all; longest:"
sed -n 's/^\(ok\|FAIL\)[[:space:]]*\([^[:space:]]*\)[[:space:]][[:space:]]*\([0-9][0-9.]*\)s.*/\3 s  \2/p' "$log" | sort -rn | head -n 8
exit "$(cat "$log.code")"
