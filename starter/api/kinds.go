package api

import (
	"slices"

	"lockstep/config"
	"lockstep/starter/api/auth"
	"lockstep/workflows"
)

// kind is an operation as the API offers it.
type kind struct {
	name     string // in requests and answers
	workflow string // its type
	action   auth.Action
	options  []string // of [StartOptions]
}

// kinds are all there are: adding an operation adds a row, its name to the enums of [StartBody] and [listInput], and its options to
// [StartOptions].
func kinds() []kind {
	return []kind{
		{"deploy", workflows.OperationDeploy, auth.StartDeploy, nil},
		{"verify", workflows.OperationVerify, auth.StartVerify, []string{"level"}},
		{"drift", workflows.OperationDrift, auth.StartDrift, nil},
		{"teardown", workflows.OperationTeardown, auth.StartTeardown, []string{"purge"}},
		{"rebuild", workflows.OperationRebuild, auth.StartRebuild, []string{"mode", "purge"}},
		{"rotate", "Rotate", auth.StartRotate, nil},
	}
}

// StartOptions are fields of the inputs of operations. Each is for some of them.
type StartOptions struct {
	Level string `json:"level,omitempty" enum:"health,token,full" doc:"verify: how much is proved; default: the environment's"`
	Mode  string `json:"mode,omitempty" enum:"fresh,in-place" doc:"rebuild: tear down and deploy (default), or deploy and restart both products"`
	Purge bool   `json:"purge,omitempty" doc:"teardown, rebuild: whether credentials, certificates and the namespace go too, as far as Lockstep made them"`
}

// given are the options that are not left out, by name.
func (o StartOptions) given() map[string]any {
	all := map[string]any{"level": o.Level, "mode": o.Mode, "purge": o.Purge}
	for name, value := range all {
		if value == "" || value == false {
			delete(all, name)
		}
	}
	return all
}

func kindOf(name string) (kind, bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// kindName is how the API calls a workflow type.
func kindName(workflow string) string {
	for _, k := range kinds() {
		if k.workflow == workflow {
			return k.name
		}
	}
	return workflow
}

// input is that of the workflow: the environment as it was checked, and the options. Those that are fields of the environment have become
// part of it.
func (k kind) input(env config.Environment, options StartOptions) map[string]any {
	input := options.given()
	delete(input, "level")
	input["environment"] = config.Inline(env)
	return input
}

// check refuses options that are not for the operation.
func (k kind) check(options StartOptions) error {
	for name := range options.given() {
		if !slices.Contains(k.options, name) {
			return wrong("body.options."+name, "%s takes no such option: leave it out", k.name)
		}
	}
	if options.Purge && options.Mode == "in-place" {
		return wrong("body.options.purge", "mode in-place removes nothing: leave one of the two out")
	}
	return nil
}

// apply puts the options that are fields of the environment into it.
func (o StartOptions) apply(env *config.Environment) {
	if o.Level != "" {
		env.Verify.Level = config.VerifyLevel(o.Level)
	}
}
