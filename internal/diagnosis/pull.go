package diagnosis

import (
	"slices"
	"strings"
)

// A pullFault is why an image cannot be pulled, by the words of containerd, CRI-O and registries.
type pullFault struct {
	signs    []string
	nextMove string
}

// pullFaults are final: only a person changes them.
func pullFaults() []pullFault {
	return []pullFault{
		{[]string{"no match for platform", "no matching manifest for"},
			"the image is not built for the node's platform: push it for that one too (image.platforms), or let the pods run on nodes of another"},
		{[]string{"unauthorized", "denied", "forbidden", "no basic auth credentials", "authentication required"},
			"give the pods credentials for this registry (image.pullSecret), or correct the image's name: some registries also answer so when there is no such repository"},
		{[]string{"server gave http response"},
			"the registry speaks plain HTTP: allow that in the nodes' container runtime too, or give it TLS"},
		{[]string{"x509:", "certificate signed by unknown authority"},
			"the nodes do not trust the registry's certificate: give its CA to their container runtime"},
		{[]string{"not found", "manifest unknown", "name unknown"},
			"put the image into the registry under exactly this name, or correct the name in the environment file"},
		{[]string{"invalid reference format", "failed to parse image reference"},
			"correct the image's name in the environment file"},
	}
}

// finalFault is the fault that a text tells of, nil if another pull may succeed: a network, an overloaded registry.
func finalFault(text string) *pullFault {
	text = strings.ToLower(text)
	for _, fault := range pullFaults() {
		if slices.ContainsFunc(fault.signs, func(sign string) bool { return strings.Contains(text, sign) }) {
			return &fault
		}
	}
	return nil
}

// checkPull judges a container whose image could not be pulled lately.
func (v podView) checkPull(c container) *Problem {
	waiting := c.status.State.Waiting
	text, failures := waiting.Message, 0
	for _, event := range v.events {
		if event.Reason == "Failed" && strings.Contains(event.Message, "Failed to pull image") {
			text += "\n" + event.Message
			failures += times(event)
		}
	}
	if failures == 0 && !v.since.IsZero() {
		return nil // the failure is from before the wait
	}
	if fault := finalFault(text); fault != nil {
		return v.imageProblem(c, fault.nextMove)
	}
	if begun := v.pod.Status.StartTime; failures >= pullTries || begun != nil && waiting.Reason == "ImagePullBackOff" && v.lasts(begun.Time, pullGrace) {
		return v.imageProblem(c, "make the registry answer the nodes (name servers, proxy, firewall, its own health), then run again")
	}
	return nil
}

func (v podView) imageProblem(c container, next string) *Problem {
	waiting := c.status.State.Waiting
	evidence := firstLine(waiting.Message)
	if failed := v.events.lastOf("Failed", "Failed to pull image"); failed != nil {
		evidence = joinLines("event Failed: "+firstLine(failed.Message), evidence)
		if strings.Contains(failed.Message, waiting.Message) || strings.HasPrefix(waiting.Message, "Back-off pulling image") {
			evidence = "event Failed: " + firstLine(failed.Message) // says the same, or more
		}
	}
	return &Problem{Reason: waiting.Reason, Object: v.name(c), Evidence: joinLines("image "+c.spec.Image, evidence), NextMove: next}
}
