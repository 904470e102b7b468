package auth

import (
	"slices"
	"strings"

	"lockstep/config/operation"
)

// Action is something that the API can be asked to do.
type Action string

// The actions, beside those that start an operation: see [Start].
const (
	// ListEnvironments, ListOperations, ListSchedules and ListClusters take no environment: whoever may read any may list, and sees
	// those that [Identity.Reads] lets through.
	ListEnvironments Action = "environments.list"
	ListOperations   Action = "operations.list"
	ListSchedules    Action = "schedules.list"
	ListClusters     Action = "clusters.list"

	ReadEnvironment Action = "environment.read"
	ReadOperation   Action = "operation.read"
	WatchOperation  Action = "operation.watch"
	ReadSchedule    Action = "schedule.read"

	DecideOperation Action = "operation.decide" // retry-step, skip-step, rollback, approve
	CancelOperation Action = "operation.cancel"
	TriggerSchedule Action = "schedule.trigger"

	ChangeSchedule Action = "schedule.change" // apply, pause, resume, delete

	// DefineEnvironment is to bring the environment along in the request, whole or as overrides, besides the right to
	// start the operation. Such a request can name any cluster and namespace, whatever name it goes by; so it takes an
	// administrator of all environments.
	DefineEnvironment Action = "environment.define"

	// ReadPayloads is to decode, and encode, what Temporal stores: at the codec server, not the API. A payload does not say
	// which environment it is of.
	ReadPayloads Action = "payloads.read"

	// ReadUI and ChangeByUI are to use a Temporal UI that is served behind the codec server's login. It knows no environments.
	ReadUI     Action = "ui.read"
	ChangeByUI Action = "ui.change"
)

// reach says on which environments an action's role must be held.
type reach int

const (
	onIt       reach = iota // the one that is acted on
	somewhere               // any
	everywhere              // all, by the pattern *
)

// requirement is who may do an action, and what it is in a sentence.
type requirement struct {
	role  Role
	reach reach
	text  string
}

// requirements are who may do what: this table, and the catalogue's roles for starting operations, are all there is to say about it. What
// they do not name nobody may do.
func requirements() map[Action]requirement {
	all := map[Action]requirement{
		ListEnvironments:  {Reader, somewhere, "listing environments"},
		ListOperations:    {Reader, somewhere, "listing operations"},
		ListSchedules:     {Reader, somewhere, "listing schedules"},
		ListClusters:      {Reader, somewhere, "listing clusters"},
		ReadEnvironment:   {Reader, onIt, "reading environment"},
		ReadOperation:     {Reader, onIt, "reading operations on"},
		WatchOperation:    {Reader, onIt, "watching operations on"},
		ReadSchedule:      {Reader, onIt, "reading schedules of"},
		DecideOperation:   {Operator, onIt, "deciding about operations on"},
		CancelOperation:   {Operator, onIt, "cancelling operations on"},
		TriggerSchedule:   {Operator, onIt, "triggering schedules of"},
		ChangeSchedule:    {Admin, onIt, "changing schedules of"},
		DefineEnvironment: {Admin, everywhere, "giving a definition of or overrides for"},
		ReadPayloads:      {Reader, everywhere, "decoding payloads of"},
		ReadUI:            {Reader, everywhere, "reading in the Temporal UI about"},
		ChangeByUI:        {Admin, everywhere, "changing by the Temporal UI"},
	}
	for _, row := range operation.All() {
		if role, err := ParseRole(row.Role); err == nil { // else nobody may
			all[Start(row.Verb)] = requirement{role, onIt, "starting " + row.Verb + " on"}
		}
	}
	return all
}

// Start is the action of starting an operation, as "deploy": start.deploy. Nobody may do that of an operation that there is not.
func Start(operation string) Action { return Action("start." + strings.ToLower(operation)) }

// Actions are all there are, sorted.
func Actions() []Action {
	var all []Action
	for action := range requirements() {
		all = append(all, action)
	}
	slices.Sort(all)
	return all
}

// Allowed says whether an identity may do an action on an environment (empty for those that list). A refusal is a
// *[Refusal]. It says nothing about whether there is such an environment: ask it before looking.
func Allowed(identity Identity, action Action, environment string) error {
	needs, known := requirements()[action]
	has := identity.on(needs.reach, environment)
	if known && has >= needs.role {
		return nil
	}
	return &Refusal{Identity: identity, Action: action, Environment: environment, Needs: needs.role, Has: has}
}
