package auth

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// minimum is written down a second time on purpose: a slip in the table would let somebody in.
func minimum() map[Action]Role {
	return map[Action]Role{
		"environments.list": Reader, "operations.list": Reader, "schedules.list": Reader, "clusters.list": Reader,
		"environment.read": Reader, "operation.read": Reader, "operation.watch": Reader, "schedule.read": Reader,
		"start.deploy": Operator, "start.verify": Operator, "start.drift": Operator,
		"operation.decide": Operator, "operation.cancel": Operator, "schedule.trigger": Operator,
		"start.teardown": Admin, "start.rebuild": Admin, "start.rotate": Admin, "schedule.change": Admin,
		"environment.define": Admin, "payloads.read": Reader, "ui.read": Reader, "ui.change": Admin,
	}
}

func TestEveryActionTakesItsRoleOnItsEnvironment(t *testing.T) {
	listed := map[Action]bool{ListEnvironments: true, ListOperations: true, ListSchedules: true, ListClusters: true}
	ofAll := map[Action]bool{DefineEnvironment: true, ReadPayloads: true, ReadUI: true, ChangeByUI: true}
	patterns := []struct {
		pattern string
		matches bool // the environment test-1
		all     bool
	}{
		{"test-1", true, false}, {"test-*", true, false}, {"test-?", true, false}, {"t*1", true, false}, {"*", true, true},
		{"test", false, false}, {"test-", false, false}, {"test-1?", false, false}, {"prod-*", false, false}, {"**", true, false},
	}
	if got, want := len(Actions()), len(minimum()); got != want {
		t.Errorf("there are %d actions and %d expectations", got, want)
	}
	for action, needs := range minimum() {
		for _, role := range []Role{None, Reader, Operator, Admin} {
			for _, p := range patterns {
				identity := Identity{Name: "ci", Via: ViaToken, Grants: []Grant{{role, []string{p.pattern}}}}
				want := role >= needs && (p.matches || listed[action])
				if ofAll[action] {
					want = role >= needs && p.all
				}
				environment := "test-1"
				if listed[action] {
					environment = ""
				}
				err := Allowed(identity, action, environment)
				if (err == nil) != want {
					t.Errorf("%s by %s on %s: %v", action, role, p.pattern, err)
				}
				var refusal *Refusal
				if err != nil && (!errors.As(err, &refusal) || refusal.Needs != needs) {
					t.Errorf("%s by %s on %s: refusal %+v", action, role, p.pattern, refusal)
				}
			}
		}
	}
}

func TestTheGreatestOfSeveralGrantsCounts(t *testing.T) {
	identity := Identity{Grants: []Grant{{Reader, []string{"*"}}, {Admin, []string{"dev"}}, {Operator, []string{"dev", "test-*"}}}}
	for environment, want := range map[string]Role{"dev": Admin, "test-1": Operator, "prod": Reader, "": None} {
		if got := identity.Role(environment); got != want {
			t.Errorf("%s on %q, want %s", got, environment, want)
		}
	}
}

func TestNobodyMayDoWhatIsNoAction(t *testing.T) {
	all := Identity{Name: "root", Via: ViaToken, Grants: []Grant{{Admin, []string{"*"}}}}
	for _, action := range []Action{"", "start.", "start.terminate", Start("Scheduled")} {
		if err := Allowed(all, action, "dev"); err == nil || !strings.Contains(err.Error(), "is not a known action") {
			t.Errorf("%q: %v", action, err)
		}
	}
	if err := Allowed(all, Start("Deploy"), "dev"); err != nil {
		t.Error(err)
	}
	if Allowed(all, Start("deploy"), "") == nil {
		t.Error("an operation could be started on no environment")
	}
}

func TestARefusalSaysWhichRoleIsNeededWhichThereIsAndWhoGrantsIt(t *testing.T) {
	offers := []groupGrant{
		{"sre", Grant{Admin, []string{"*"}}}, {"platform", Grant{Admin, []string{"prod"}}}, {"dev", Grant{Operator, []string{"*"}}},
	}
	token := Identity{Name: "ci", Via: ViaToken, Grants: []Grant{{Operator, []string{"dev"}}}}
	user := Identity{Name: "jane", Via: ViaOIDC, offers: offers}
	for _, test := range []struct {
		identity    Identity
		action      Action
		environment string
		says        string
	}{
		{token, Start("teardown"), "dev", `starting teardown on "dev" needs the role admin there, and token "ci" has only operator; ` +
			`the owner of the API's access file can grant it with {role: admin, environments: ["dev"]} in the grants of token "ci"`},
		{token, ReadEnvironment, "prod", `reading environment "prod" needs the role reader there, and token "ci" has no role; ` +
			`the owner of the API's access file can grant it with {role: reader, environments: ["prod"]} in the grants of token "ci"`},
		{user, Start("rotate"), "prod", `starting rotate on "prod" needs the role admin there, and user "jane" has no role; ` +
			`members of the group platform or sre have it: ask the owner of the groups`},
		{user, ListOperations, "", `listing operations needs the role reader on any environment, and user "jane" has no role; ` +
			`members of the group dev or platform or sre have it: ask the owner of the groups`},
		{user, DefineEnvironment, "dev", `giving a definition of or overrides for "dev" needs the role admin on all environments, ` +
			`and user "jane" has no role; members of the group sre have it: ask the owner of the groups`},
		{Identity{Name: "jane", Via: ViaOIDC}, Start("deploy"), "dev", `starting deploy on "dev" needs the role operator there, and user "jane" has no role; ` +
			`no group has it: the owner of the API's access file can grant it with {group: …, role: operator, environments: ["dev"]} in the grants of oidc`},
	} {
		t.Run(fmt.Sprint(test.identity, test.action), func(t *testing.T) {
			err := Allowed(test.identity, test.action, test.environment)
			if err == nil || err.Error() != test.says {
				t.Errorf("says\n%v\nwant\n%s", err, test.says)
			}
		})
	}
}
