package matrix

import (
	"testing"

	"lockstep/test/testbed"
	"lockstep/test/world"
)

// besideAnother is a cluster on which another environment is deployed, so that controller, class and CRDs are there and used.
const besideAnother = "another environment beside it"

// besideFile is the other environment.
func besideFile() map[string]any {
	return map[string]any{
		"name": testbed.Beside, "namespace": testbed.Beside, "verify.level": "health",
		"hostnames.management": "am.beside.test", "hostnames.gateway": "gw.beside.test", "hostnames.websocket": "websocket.beside.test",
		"hostnames.websub": "websub.beside.test", "hostnames.keyManager": "km.beside.test",
	}
}

func reachBeside(t testing.TB, w *world.World) {
	t.Helper()
	reachNothing(t, w)
	w.Expect(t, world.Done, "deploy", "-f", world.File(t, besideFile()))
}

// besideCells fail at the steps that have to do with what is shared: what the other environment uses stays as it is.
func besideCells() []cell {
	const apim = "request.namespace == 'apim'"
	return []cell{
		{step: "gateway-crds", start: besideAnother, how: "the account may not read the CRDs",
			file:  map[string]any{"cluster.kubeconfig": proxied},
			fails: []act{forbids("gateway-crds", "/customresourcedefinitions/gateways.gateway.networking.k8s.io")}, says: []string{unwanted}},
		{step: "gateway", start: besideAnother, how: "admission refuses the Gateway, after an upgrade of the controller",
			file:  map[string]any{"gateway.values": map[string]any{"deployment": map[string]any{"pod": map[string]any{"annotations": map[string]any{"mine": "yes"}}}}},
			fails: []act{refuses("CREATE", gatewayAPI, "gateways", apim)}, says: []string{unwanted}},
		{step: "identity-server", start: besideAnother, how: "admission refuses the Deployment",
			fails: []act{refuses("CREATE", "apps", "deployments", named(world.IdentityService)+" && "+apim)}, says: []string{unwanted}},
	}
}

// testBeside ends with the other environment's purge, which is then the last one and takes what is shared.
func (m *matrix) testBeside(t *testing.T) {
	for _, c := range besideCells() {
		if *only == "" || asked(c.name()) {
			t.Run(c.name(), func(t *testing.T) { m.run(t, c) })
		}
	}
	m.at = ""
	m.w.Expect(t, world.Done, "teardown", "--purge", "-f", world.File(t, besideFile())).Says(t, "uninstalled", " removed")
}
