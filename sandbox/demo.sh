#!/bin/sh
# Starts a sandbox and a worker, deploys the quickstart and leaves it all running (up), or stops it (down).
set -eu
dir=${DIR:-.sandbox}
pidfile=$dir/worker.pid
log=$dir/logs/worker.log

# A pid alone may be somebody else's by now: it counts only while it still runs this worker.
worker_pid() {
	[ -f "$pidfile" ] || return 1
	pid=$(cat "$pidfile")
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q '^bin/worker ' && echo "$pid"
}

stop_worker() {
	pid=$(worker_pid) || return 0
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
	rm -f "$pidfile"
}

case ${1:-} in
up)
	bin/sandbox up --dir "$dir"
	exports=$(bin/sandbox env --dir "$dir")
	# What the user's environment and temporal.toml say is about another server.
	for name in $(env | sed -n 's/^\(TEMPORAL_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
	: >"$dir/temporal.toml"
	export TEMPORAL_CONFIG_FILE="$dir/temporal.toml"
	eval "$exports"
	if ! worker_pid >/dev/null; then
		: >"$log"
		setsid bin/worker --cache-dir "$dir/cache" >>"$log" 2>&1 </dev/null &
		echo $! >"$pidfile"
	fi
	tries=0
	until grep -q 'Worker ready' "$log" 2>/dev/null; do
		tries=$((tries + 1))
		if [ $tries -gt 150 ] || ! kill -0 "$(cat "$pidfile")" 2>/dev/null; then
			echo "the worker did not start; the end of $log:" >&2
			tail -n 5 "$log" >&2
			exit 1
		fi
		sleep 0.1
	done
	status=0
	bin/lockstep deploy -f examples/quickstart.yaml || status=$?
	echo
	echo "The sandbox runs simulated products on a real control plane. It and the worker go on running."
	echo "Temporal UI:      $LOCKSTEP_UI_URL"
	echo "For this shell:   eval \"\$(bin/sandbox env --dir $dir)\"   (then kubectl and bin/lockstep find it)"
	echo "Stop everything:  make down"
	exit $status
	;;
down)
	stop_worker
	if [ -x bin/sandbox ]; then bin/sandbox down --dir "$dir"; fi
	;;
*)
	echo "usage: $0 up|down" >&2
	exit 2
	;;
esac
