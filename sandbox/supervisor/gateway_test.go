package supervisor

import (
	"strings"
	"testing"
)

func TestASandboxSaysWhatTheGatewayIs(t *testing.T) {
	s := Settings{Bin: t.TempDir(), Self: "/bin/false"}
	for _, test := range []struct{ gateway, says, fails string }{
		{GatewaySimulated, "simulated, as asked for", ""},
		{GatewayAuto, "simulated: ", ""},
		{GatewayReal, "", "running the real gateway: "},
	} {
		s.Gateway = test.gateway
		folder, says, err := s.realPrograms()
		if folder != "" || !strings.HasPrefix(says, test.says) || (err == nil) != (test.fails == "") || err != nil && !strings.HasPrefix(err.Error(), test.fails) {
			t.Errorf("%s: folder %q, says %q, error %v", test.gateway, folder, says, err)
		}
	}
}
