package component_test

import (
	"slices"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/internal/component"
	"lockstep/internal/failure"
)

func environment() config.Environment {
	env := config.Environment{Name: "quickstart", Namespace: "apim", Image: config.Image{Target: "registry.lockstep.test/wso2is-km:7.2.0"}}
	env.Default()
	return env
}

func TestEveryComponentSaysAllThatOperationsNeed(t *testing.T) {
	for _, c := range component.Of(environment()) {
		t.Run(c.Name(), func(t *testing.T) {
			for what, is := range map[string]string{"title": c.Title, "release": c.Release, "namespace": c.Namespace, "field": c.Field,
				"field of its Deployments": c.DeploymentsField, "field of its timeout": c.TimeoutField} {
				if is == "" {
					t.Errorf("its %s is empty", what)
				}
			}
			if len(c.Deployments) == 0 || c.Timeout == 0 || c.Values == nil || len(c.Stores) == 0 || c.Product && len(c.Stores) != 1 {
				t.Errorf("it is not whole: %+v", c)
			}
			if c.Product != (c.Mend != nil) {
				t.Error("a product mounts its stores, and nothing else does")
			}
		})
	}
}

func TestAComponentIsFoundByItsName(t *testing.T) {
	c, err := component.Find(environment(), "identity-server")
	if err != nil || c.Release != "is" || c.Title != "Identity Server" {
		t.Errorf("%+v, %v", c, err)
	}
	_, err = component.Find(environment(), "analytics")
	if !failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), "none of gateway, identity-server, api-manager") {
		t.Errorf("got %v", err)
	}
}

func TestAnInstanceTellsComponentsOfAKindApart(t *testing.T) {
	if name := (component.Component{Kind: component.IdentityServer, Instance: "partners"}).Name(); name != "identity-server-partners" {
		t.Errorf("it is called %s", name)
	}
}

func TestAGatewayThatIsThereIsNotInstalled(t *testing.T) {
	env := environment()
	env.Routing.Install = new(bool)
	if names := component.Names(component.Installed(env)); !slices.Equal(names, []string{"identity-server", "api-manager"}) {
		t.Errorf("installed are %v", names)
	}
}

func TestTrimmingLeavesTheValuesOfOneComponent(t *testing.T) {
	env := environment()
	env.Routing.Values, env.IdentityServer.Values, env.APIManager.Values = config.Values{"r": 1}, config.Values{"i": 1}, config.Values{"a": 1}
	for name, want := range map[string][3]bool{
		"": {false, false, false}, component.Gateway: {true, false, false}, component.IdentityServer: {false, true, false}, component.APIManager: {false, false, true},
	} {
		got := component.Trim(env, name)
		if has := [3]bool{got.Routing.Values != nil, got.IdentityServer.Values != nil, got.APIManager.Values != nil}; has != want {
			t.Errorf("%q keeps %v, want %v", name, has, want)
		}
	}
	if env.Routing.Values == nil {
		t.Error("the environment itself was changed")
	}
}
