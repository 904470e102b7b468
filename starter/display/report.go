package display

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"lockstep/activities"
)

// Report writes a deployment's report for people.
func Report(out io.Writer, r activities.Report) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	fmt.Fprintf(w, "\nEnvironment %s is deployed in namespace %s (Kubernetes %s).\n\n", r.Environment, r.Namespace, r.Kubernetes)
	for _, console := range r.Consoles {
		line(console.Name, console.URL)
	}
	line("API calls", r.GatewayURL)
	line("Admin user", r.AdminUsername)
	line("Admin password", r.AdminPassword)
	line("Gateway address", address(r))
	line("/etc/hosts", r.Hosts)
	line("Issuer", r.Issuer)
	line("Key manager id", r.KeyManager)
	line("Image", r.Image)
	for _, name := range slices.Sorted(maps.Keys(r.Releases)) {
		rel := r.Releases[name]
		line("Chart of "+name, fmt.Sprintf("%s, revision %d, %s", rel.ChartVersion, rel.Revision, rel.ChartDigest))
	}
	for _, e := range soonest(r.Certificates) {
		line("Certificates until", fmt.Sprintf("%s (%s)", e.Ends.Format(time.DateOnly), e.Where))
	}
	for _, text := range r.Verified {
		line("Proved", text)
	}
	for _, text := range r.Warnings {
		line("Warning", text)
	}
	for _, d := range r.Decisions {
		line("Decided", strings.TrimSuffix(strings.Join(strings.Fields(fmt.Sprintf("%s %s by %s at %s", d.What, d.Step, d.By, d.At.Local().Format(time.DateTime))), " ")+": "+d.Reason, ": "))
	}
	var steps []string
	for _, s := range r.Durations {
		steps = append(steps, fmt.Sprintf("%s %.1fs", s.Step, s.Took))
	}
	line("Steps", strings.Join(steps, ", "))
	p := r.CriticalPath
	line("Critical path", fmt.Sprintf("%.1fs of %.1fs: %s", p.Took, p.Makespan, strings.Join(p.Steps, " → ")))
	if err := w.Flush(); err != nil {
		return err
	}
	if err := pins(out, "environment file", r.Pins.Environment); err != nil {
		return err
	}
	return pins(out, "cluster's file", r.Pins.Cluster)
}

// pins are ready to paste.
func pins(out io.Writer, file, text string) error {
	if text == "" {
		return nil
	}
	_, err := fmt.Fprintf(out, "\nTo have later deployments take exactly what this one took, write into the %s:\n\n%s", file, text)
	return err
}

// soonest is the certificate that ends first.
func soonest(all []activities.Expiry) []activities.Expiry {
	if len(all) == 0 {
		return nil
	}
	return []activities.Expiry{slices.MinFunc(all, func(a, b activities.Expiry) int { return a.Ends.Compare(b.Ends) })}
}

// address is where the gateway is reached, with its port where that is not HTTPS's own.
func address(r activities.Report) string {
	switch {
	case r.Address == "":
		return "none yet"
	case r.Port == 0 || r.Port == 443:
		return r.Address
	default:
		return fmt.Sprintf("%s, port %d", r.Address, r.Port)
	}
}
