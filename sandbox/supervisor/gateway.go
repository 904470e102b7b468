package supervisor

import (
	"fmt"
	"strings"

	"lockstep/sandbox/images"
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

// GatewayHere says what a sandbox with these settings runs as the gateway on this machine.
func GatewayHere(s Settings) (string, error) {
	_, says, err := s.realPrograms()
	return says, err
}

// realPrograms is the folder of the gateway's real programs, "" if all are simulated; says tells which are what, and why.
func (s Settings) realPrograms() (folder, says string, err error) {
	if s.Gateway == GatewaySimulated {
		return "", "simulated, as asked for", nil
	}
	runs, lacks := images.Real(s.Bin)
	if err = contain.Available(s.Self); err != nil {
		err = fmt.Errorf("this machine gives programs no network of their own: %w", err)
	} else if len(runs) == 0 {
		err = fmt.Errorf("%s has no program of it; run `make gateway`", s.Bin)
	}
	switch {
	case err != nil && s.Gateway == GatewayReal:
		return "", "", fmt.Errorf("running the real gateway: %w", err)
	case err != nil:
		return "", fmt.Sprintf("simulated: %s", err), nil
	case len(lacks) > 0:
		return s.Bin, fmt.Sprintf("real: %s; simulated: %s", strings.Join(runs, ", "), strings.Join(lacks, ", ")), nil
	}
	return s.Bin, "real: " + strings.Join(runs, ", "), nil
}
