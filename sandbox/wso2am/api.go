package wso2am

import (
	"encoding/json"
	"regexp"
	"strings"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/keymanager"
	"lockstep/sandbox/wso2am/rest"
)

// api is API of the publisher API v4: what the gateway needs of it as fields, and all that was sent, to be given back.
type api struct {
	ID             string          `json:"id"`
	Name           string          `json:"name"`
	Context        string          `json:"context"`
	Version        string          `json:"version"`
	Provider       string          `json:"provider"`
	LifeCycle      string          `json:"lifeCycleStatus"`
	Policies       []string        `json:"policies"`
	KeyManagers    []string        `json:"keyManagers"`
	Implementation string          `json:"endpointImplementationType"`
	Endpoints      *endpointConfig `json:"endpointConfig"`
	Operations     []operation     `json:"operations"`
	ScopeList      []struct {
		Scope keymanager.Scope `json:"scope"`
	} `json:"scopes"`

	sent      map[string]any
	revisions []*revision
	made      int // revisions ever made; they are numbered
}

type operation struct {
	Target   string   `json:"target"`
	Verb     string   `json:"verb"`
	AuthType string   `json:"authType"`
	Scopes   []string `json:"scopes"`
}

type endpointConfig struct {
	Production endpoint `json:"production_endpoints"`
	Sandbox    endpoint `json:"sandbox_endpoints"`
}

// endpoint is one URL, or a list of them for load balancing, of which the first is used.
type endpoint struct{ URL string }

func (e *endpoint) UnmarshalJSON(data []byte) error {
	var one struct{ URL string }
	if json.Unmarshal(data, &one) == nil {
		e.URL = one.URL
		return nil
	}
	var many []struct{ URL string }
	if err := json.Unmarshal(data, &many); err != nil || len(many) == 0 {
		return err
	}
	e.URL = many[0].URL
	return nil
}

var (
	apiName    = regexp.MustCompile(`^[^~!@#;:%^*()+={}|\\<>"',&$\[\]/]*$`)
	apiVersion = regexp.MustCompile(`^[^~!@#;:%^*()+={}|\\<>"',&/$\[\]\s]+$`)
)

func apiShape() carbon.Shape {
	shape := carbon.Shape{
		"name":    {Kind: carbon.Text, Required: true, Min: 1, Max: 60, Pattern: apiName},
		"context": {Kind: carbon.Text, Required: true, Min: 1, Max: 232},
		"version": {Kind: carbon.Text, Required: true, Min: 1, Max: 30, Pattern: apiVersion},
		"type": {Kind: carbon.Text, Enum: []string{
			"HTTP", "WS", "SOAPTOREST", "SOAP", "GRAPHQL", "WEBSUB", "SSE", "WEBHOOK", "ASYNC"}},
		"audience":                   {Kind: carbon.Text, Enum: []string{"PUBLIC", "SINGLE"}},
		"visibility":                 {Kind: carbon.Text, Enum: []string{"PUBLIC", "PRIVATE", "RESTRICTED"}},
		"subscriptionAvailability":   {Kind: carbon.Text, Enum: []string{"CURRENT_TENANT", "ALL_TENANTS", "SPECIFIC_TENANTS"}},
		"accessControl":              {Kind: carbon.Text, Enum: []string{"NONE", "RESTRICTED"}},
		"endpointImplementationType": {Kind: carbon.Text, Enum: []string{"INLINE", "ENDPOINT", "MOCKED_OAS"}},
		"cacheTimeout":               {Kind: carbon.Integer}, "revisionId": {Kind: carbon.Integer},
		"scopes": {Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
			"shared": {Kind: carbon.Flag},
			"scope": {Kind: carbon.Object, Required: true, Fields: carbon.Shape{
				"id": {Kind: carbon.Text}, "name": {Kind: carbon.Text, Required: true, Min: 1, Max: 255},
				"displayName": {Kind: carbon.Text, Max: 255}, "description": {Kind: carbon.Text}, "bindings": rest.TextList,
				"usageCount": {Kind: carbon.Integer},
			}},
		}}},
		"operations": {Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
			"id": {Kind: carbon.Text}, "target": {Kind: carbon.Text}, "verb": {Kind: carbon.Text}, "authType": {Kind: carbon.Text},
			"throttlingPolicy": {Kind: carbon.Text}, "scopes": rest.TextList, "usedProductIds": rest.TextList,
			"amznResourceName": {Kind: carbon.Text}, "amznResourceTimeout": {Kind: carbon.Integer},
			"payloadSchema": {Kind: carbon.Text}, "uriMapping": {Kind: carbon.Text}, "operationPolicies": {Kind: carbon.Object},
		}}},
	}
	for kind, names := range apiFields {
		for _, name := range strings.Fields(names) {
			shape[name] = carbon.Field{Kind: kind}
		}
	}
	return shape
}

// apiFields are the properties that have no effect here. keyManagers is an array, whatever the specification says; one
// that is not has an error of its own, so it is not checked with the others.
var apiFields = map[carbon.Kind]string{
	carbon.Text: `id displayName description provider lifeCycleStatus wsdlUrl revisionedApiId apiThrottlingPolicy
		authorizationHeader apiKeyHeader workflowStatus createdTime lastUpdatedTimestamp lastUpdatedTime
		primaryProductionEndpointId primarySandboxEndpointId gatewayVendor gatewayType`,
	carbon.Flag: `responseCachingEnabled hasThumbnail isDefaultVersion isRevision enableSchemaValidation
		enableSubscriberVerification initiatedFromGateway`,
	carbon.List: `audiences transport tags policies organizationPolicies securityScheme visibleRoles visibleTenants
		visibleOrganizations mediationPolicies subscriptionAvailableTenants additionalProperties accessControlRoles categories
		asyncTransportProtocols keyManagers`,
	carbon.Object: `wsdlInfo maxTps apiPolicies additionalPropertiesMap monetization businessInformation corsConfiguration
		websubSubscriptionConfiguration endpointConfig threatProtectionPolicies serviceInfo advertiseInfo`,
}

// complete fills in what the publisher left out.
func (a *api) complete(provider string) {
	if !strings.HasPrefix(a.Context, "/") {
		a.Context = "/" + a.Context
	}
	a.Provider = provider
	if a.KeyManagers == nil {
		a.KeyManagers = []string{"all"}
	}
	if a.Policies == nil {
		a.Policies = []string{}
	}
	if a.Implementation == "" {
		a.Implementation = "ENDPOINT"
	}
	if a.Operations == nil {
		for _, verb := range []string{"GET", "PUT", "POST", "DELETE", "PATCH"} {
			a.Operations = append(a.Operations, operation{Target: "/*", Verb: verb})
		}
	}
	for i := range a.Operations {
		if a.Operations[i].AuthType == "" {
			a.Operations[i].AuthType = "Application & Application User"
		}
		if a.Operations[i].Scopes == nil {
			a.Operations[i].Scopes = []string{}
		}
	}
}

func (a *api) scopes() []keymanager.Scope {
	var list []keymanager.Scope
	for _, one := range a.ScopeList {
		list = append(list, one.Scope)
	}
	return list
}

// body is the API as the publisher sees it. Unlike the specification, the product gives keyManagers as an array.
func (a *api) body() map[string]any {
	body := map[string]any{"type": "HTTP", "visibility": "PUBLIC", "transport": []string{"http", "https"}, "isRevision": false}
	for key, value := range a.sent {
		if value != nil {
			body[key] = value
		}
	}
	for key, value := range map[string]any{
		"id": a.ID, "name": a.Name, "context": a.Context, "version": a.Version, "provider": a.Provider,
		"lifeCycleStatus": a.LifeCycle, "policies": a.Policies, "keyManagers": a.KeyManagers, "operations": a.Operations,
		"endpointImplementationType": a.Implementation,
	} {
		body[key] = value
	}
	return body
}

func (a *api) info() map[string]any {
	return map[string]any{
		"id": a.ID, "name": a.Name, "context": a.Context, "version": a.Version, "provider": a.Provider, "type": "HTTP",
		"lifeCycleStatus": a.LifeCycle,
	}
}
