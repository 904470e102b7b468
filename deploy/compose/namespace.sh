#!/bin/sh
# Creates Lockstep's namespace and search attributes. TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where, TEMPORAL_RETENTION how long
# operations are remembered. Safe to repeat.
set -eu

# A server that has just started, or learned of a namespace, takes some seconds to know it everywhere.
patiently() {
	for _ in $(seq 30); do
		"$@" && return
		sleep 2
	done
	echo "gave up: $*" >&2
	exit 1
}

# These commands take the namespace from the flag alone.
namespace() {
	if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
		temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
	else
		temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
	fi
}

attributes() {
	temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --type Keyword --name Environment \
		--type Keyword --name Operation --type Keyword --name Phase --type Keyword --name Outcome
}

patiently namespace
patiently attributes
