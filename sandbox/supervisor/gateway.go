package supervisor

import (
	"errors"
	"fmt"
	"path/filepath"

	"lockstep/sandbox/node/contain"
)

// What stands for the gateway: Envoy Gateway's own controller and Envoy, or simulations of both.
const (
	GatewayAuto      = "auto" // real where this machine can run it
	GatewayReal      = "real"
	GatewaySimulated = "simulated"
)

// Gateways are the values of Settings.Gateway.
var Gateways = []string{GatewayAuto, GatewayReal, GatewaySimulated}

// realPrograms is the folder of the gateway's real programs, "" if it is simulated; what it says tells which, and why.
func (s Settings) realPrograms() (folder, says string, err error) {
	if s.Gateway == GatewaySimulated {
		return "", "the gateway is simulated, as asked for", nil
	}
	err = s.canRunGateway()
	switch {
	case err == nil:
		return s.Bin, "the gateway is the real Envoy Gateway with the real Envoy", nil
	case s.Gateway == GatewayReal:
		return "", "", fmt.Errorf("running the real gateway: %w", err)
	}
	return "", fmt.Sprintf("the gateway is simulated: %s", err), nil
}

func (s Settings) canRunGateway() error {
	for _, program := range []string{"envoy-gateway-*", "envoy-[0-9]*"} {
		if found, err := filepath.Glob(filepath.Join(s.Bin, program)); err != nil || len(found) == 0 {
			return errors.New("there is no " + filepath.Join(s.Bin, program) + "; `make tools` says why")
		}
	}
	if err := contain.Available(s.Self); err != nil {
		return fmt.Errorf("this machine gives no namespaces with a network device of their own: %w", err)
	}
	return nil
}
