#!/bin/sh
# Runs whole operations on the real node in folder $1, with the release's own image of the worker: node-test.sh DIR TESTS
set -eu
dir=$1 tests=$2
status() { bin/sandbox status --dir "$dir" -o json | sed -n "s/^  \"$1\": \"\(.*\)\",*$/\1/p"; }

eval "$(bin/sandbox env --dir "$dir")"
${GO:-go} run ./deploy/images -platforms "linux/$(${GO:-go} env GOARCH)" -output dist/node -version node -registry "$(status registry)/lockstep"
LOCKSTEP_TEST_KUBECONFIG=$KUBECONFIG LOCKSTEP_TEST_TEMPORAL=$TEMPORAL_ADDRESS LOCKSTEP_TEST_WORKER=registry.lockstep.test/lockstep/worker:node \
	LOCKSTEP_TEST_ENVIRONMENT=${ENVIRONMENT:-$PWD/test/e2e/node.yaml} LOCKSTEP_REQUIRE_SANDBOX=1 \
	${GO:-go} test -vet=off -count=1 -v -timeout 1h -run "$tests" ./test/e2e
