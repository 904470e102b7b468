package wso2am

import (
	"strconv"
	"time"
)

// Variables of the container's environment that change how fast, or how badly, the simulated server behaves.
const (
	VarPropagation          = "SANDBOX_WSO2AM_PROPAGATION"           // a key manager's way to gateway and key generation; 2s
	VarDeployment           = "SANDBOX_WSO2AM_DEPLOYMENT"            // a revision's way to the gateway; 1s
	VarRevocation           = "SANDBOX_WSO2AM_REVOCATION"            // a revocation's way to the gateway; 200ms
	VarRegistrationFailures = "SANDBOX_WSO2AM_REGISTRATION_FAILURES" // first client registrations that get a 500; 1
)

type settings struct {
	propagation, deployment, revocation time.Duration
	registrationFailures                int64
}

func readSettings(getenv func(string) string) settings {
	duration := func(name string, fallback time.Duration) time.Duration {
		if value, err := time.ParseDuration(getenv(name)); err == nil {
			return value
		}
		return fallback
	}
	failures, err := strconv.ParseInt(getenv(VarRegistrationFailures), 10, 64)
	if err != nil {
		failures = 1
	}
	return settings{
		propagation:          duration(VarPropagation, 2*time.Second),
		deployment:           duration(VarDeployment, time.Second),
		revocation:           duration(VarRevocation, 200*time.Millisecond),
		registrationFailures: failures,
	}
}

// later does something in the background after a while, unless the server ends first.
func (s *server) later(after time.Duration, do func()) {
	time.AfterFunc(after, func() {
		if s.ctx.Err() == nil {
			do()
		}
	})
}
