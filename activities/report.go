package activities

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"lockstep/internal/credentials"
	"lockstep/internal/pins"
)

// ReportInput is what the steps of a deployment found out.
type ReportInput struct {
	Input
	Kubernetes string `json:"kubernetes"`
	Image      Image  `json:"image"`
	// APIManagerImage is repository@digest.
	APIManagerImage string             `json:"apiManagerImage,omitempty"`
	Gateway         Gateway            `json:"gateway"`
	KeyManager      KeyManager         `json:"keyManager"`
	Releases        map[string]Release `json:"releases"`
	Verified        Verification       `json:"verified"`
	Warnings        []string           `json:"warnings,omitempty"`
}

// Report says where everything is. It holds no secret, only where they are.
type Report struct {
	Environment   string             `json:"environment"`
	Namespace     string             `json:"namespace"`
	Kubernetes    string             `json:"kubernetes"`
	Consoles      []Address          `json:"consoles"`
	GatewayURL    string             `json:"gatewayURL"`
	Address       string             `json:"address,omitempty"` // of the gateway: its load balancer's, or a node's
	Port          int32              `json:"port,omitempty"`    // where HTTPS is reached there
	Hosts         string             `json:"hosts,omitempty"`   // line for /etc/hosts
	Issuer        string             `json:"issuer"`
	KeyManager    string             `json:"keyManager"` // its id in API Manager
	Image         string             `json:"image"`
	Releases      map[string]Release `json:"releases"`
	Certificates  []Expiry           `json:"certificates"`
	AdminUsername string             `json:"adminUsername"`
	AdminPassword string             `json:"adminPassword"` // the command that shows it
	Verified      []string           `json:"verified"`
	Warnings      []string           `json:"warnings,omitempty"`
	Decisions     []Decision         `json:"decisions,omitempty"`
	Pins          pins.Pins          `json:"pins,omitzero"`
	Durations     []StepDuration     `json:"durations"`
	CriticalPath  CriticalPath       `json:"criticalPath"`
}

// Address is a console.
type Address struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Expiry is when a certificate ends.
type Expiry struct {
	Where string    `json:"where"`
	Ends  time.Time `json:"ends"`
}

// Decision is what an operator decided while the operation ran.
type Decision struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"` // name of the Update, as approve
	Step    string    `json:"step,omitempty"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Changed bool      `json:"changed,omitempty"` // it came with a changed environment
}

// StepDuration is how long a step took, in seconds.
type StepDuration struct {
	Step string  `json:"step"`
	Took float64 `json:"took"`
}

// CriticalPath is the chain of steps that the operation's end waited for, in seconds.
type CriticalPath struct {
	Steps    []string `json:"steps"`
	Took     float64  `json:"took"`
	Makespan float64  `json:"makespan"` // of the operation so far
}

// CollectReport reads what only the cluster knows and puts the report together.
func (a *Activities) CollectReport(ctx context.Context, in ReportInput) (Report, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return Report{}, err
	}
	store, err := stores(ctx, c, in.Env)
	if err != nil {
		return Report{}, err
	}
	expiries, err := store.Expiries(ctx)
	if err != nil {
		return Report{}, err
	}
	report := compose(in)
	for _, e := range expiries {
		report.Certificates = append(report.Certificates, Expiry{Where: e.Where, Ends: e.NotAfter})
	}
	return report, nil
}

func compose(in ReportInput) Report {
	env, h := in.Env, in.Env.Hostnames
	r := Report{
		Environment: env.Name, Namespace: env.Namespace, Kubernetes: in.Kubernetes,
		Consoles: []Address{
			{"Publisher", "https://" + h.Management + "/publisher"}, {"Developer portal", "https://" + h.Management + "/devportal"},
			{"Admin portal", "https://" + h.Management + "/admin"}, {"Carbon console", "https://" + h.Management + "/carbon"},
			{"Identity Server console", "https://" + h.KeyManager + "/console"}, {"My account", "https://" + h.KeyManager + "/myaccount"},
		},
		GatewayURL: "https://" + h.Gateway, Address: in.Gateway.Address, Port: in.Gateway.Port,
		Issuer: in.KeyManager.Issuer, KeyManager: in.KeyManager.ID, Image: in.Image.Reference, Releases: in.Releases,
		AdminUsername: env.Credentials.AdminUsername, Pins: pins.Of(env, used(in)),
		AdminPassword: fmt.Sprintf("kubectl get secret %s -n %s -o jsonpath='{.data.%s}' | base64 -d", env.CredentialsSecret(), env.Namespace, credentials.AdminPassword),
		Verified:      in.Verified.Proved, Warnings: slices.Concat(in.Warnings, reach(in.Gateway)),
	}
	if net.ParseIP(r.Address) != nil {
		r.Hosts = r.Address + " " + strings.Join(h.All(), " ")
	}
	return r
}

// used is what the steps did, so it is what was really taken.
func used(in ReportInput) pins.Used {
	charts := map[string]pins.Chart{}
	for name, r := range in.Releases {
		charts[name] = pins.Chart{Version: r.ChartVersion, Digest: r.ChartDigest, Manifest: r.ChartManifest}
	}
	return pins.Used{Base: in.Image.Base, Artifacts: in.Image.Artifacts, APIManagerImage: in.APIManagerImage, Charts: charts}
}

// reach says what is missing for the public names to lead to the gateway. The products believe to be at port 443 of their names
// (proxyPort in both charts): consoles redirect there, and tokens carry an issuer without a port.
func reach(g Gateway) []string {
	switch {
	case g.Address == "":
		return []string{"the gateway has no address yet: clients cannot reach it by the public host names"}
	case net.ParseIP(g.Address) == nil:
		return []string{fmt.Sprintf("the gateway's address is a host name: make CNAME records that point the public host names to %s", g.Address)}
	case g.Port != 0 && g.Port != httpsPort:
		return []string{fmt.Sprintf("the gateway answers at %s:%d, but the products expect port 443. Next: forward port 443 of the public host names to it (with a load balancer, or for a trial with "+
			"`kubectl port-forward` of Envoy's Service); else the consoles redirect to an address that does not answer", g.Address, g.Port)}
	}
	return nil
}
