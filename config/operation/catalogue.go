package operation

// Modes of a rebuild.
const (
	Fresh   = "fresh"    // tear down, then deploy
	InPlace = "in-place" // deploy and restart both products
)

// Certificates are what a rotation renews, with the keys for HTTPS.
const Certificates = "certificates"

// All are the operations there are, in the order in which they are shown. To add one, add its row here and its workflow to package
// workflows; tests say what else is missing.
func All() []Operation {
	return []Operation{
		{
			Type: Deploy, Verb: "deploy", Role: Operator, Decisions: true, Result: Report,
			Summary:  "Deploy an environment, or change it to match its file",
			Examples: []string{"lockstep deploy -f examples/quickstart.yaml"},
		},
		{
			Type: Verify, Verb: "verify", Role: Operator, Result: Proofs,
			Summary: "Prove that a deployed environment works",
			Options: []Option{{Name: "level", Values: []string{"health", "token", "full"}, Field: []string{"verify", "level"}, Text: "how much to prove"}},
		},
		{
			Type: Drift, Verb: "drift", Role: Operator, Result: Differences,
			Summary: "Compare an environment with its file, and change nothing",
			Text: "Compare the environment with what a deployment of the file would make: releases and their objects, images, certificates, routes, " +
				"the registered key manager. It changes nothing and ends with 7 if there is a difference.",
		},
		{
			Type: Teardown, Verb: "teardown", Role: Admin,
			Summary: "Remove an environment",
			Text:    "Remove an environment. Credentials, certificates and the namespace stay, so that it can come back with the same keys, unless --purge is given.",
			Options: []Option{{Name: "purge", Kind: Switch,
				Text: "also remove credentials, certificates, unused Gateway API CRDs and the namespace, as far as Lockstep made them"}},
			Unscheduled: Refusal{"it removes the environment, and nobody would watch", "schedule a rebuild, or tear down by hand"},
		},
		{
			Type: Rebuild, Verb: "rebuild", Role: Admin, Decisions: true, Result: Report,
			Summary: "Make an environment anew: tear it down and deploy it, or restart it in place",
			Text: "Make an environment anew. Fresh: everything is checked, then the environment is removed and deployed; credentials, encryption keys, certificates, " +
				"namespace and external databases stay, unless --purge is given. In place: a deployment that also restarts both products.",
			Examples: []string{"lockstep rebuild -f examples/quickstart.yaml", "lockstep rebuild -f examples/production.yaml --mode in-place"},
			Options: []Option{
				{Name: "mode", Values: []string{Fresh, InPlace}, Default: Fresh, Text: "tear down and deploy, or deploy and restart both products"},
				{Name: "purge", Kind: Switch, Excludes: Exclusion{"mode", InPlace, "removes nothing"},
					Text: "also make credentials, certificates, unused Gateway API CRDs and the namespace anew, as far as Lockstep made them"},
			},
		},
		{
			Type: Rotate, Verb: "rotate", Role: Admin, Decisions: true, Result: Report,
			Summary: "Renew the certificates of a deployed environment by the same CA",
			Text: "Renew the certificates of both products and of the gateway's listeners by the same CA, restart one product after the other, and prove that all works. " +
				"Certificates that Lockstep did not make stay, and the result names them. A rotation that fails is undone.",
			Options: []Option{{Name: "what", Kind: Several, Values: []string{Certificates}, Default: Certificates, Text: "what to renew",
				Only: "encryption keys and the keys that sign are needed to read and check what they encrypted and signed, the products take the admin " +
					"password from the file only at their first start, and stores are tied to their password; docs/operations.md says more"}},
		},
	}
}
