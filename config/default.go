package config

import "time"

// What an environment gets where it says nothing: the versions of WSO2's guide to this deployment.
const (
	DefaultNamespace      = "apim"
	DefaultBaseImage      = "docker.io/wso2/wso2is:7.2.0"
	DefaultAPIMImage      = "docker.io/wso2/wso2am:4.7.0"
	DefaultRepository     = "https://helm.wso2.com"
	DefaultISChart        = "identity-server"
	DefaultISVersion      = "7.2.0-1"
	DefaultAPIMChart      = "wso2am-all-in-one"
	DefaultAPIMVersion    = "4.7.0-1"
	DefaultGatewayChart   = "oci://docker.io/envoyproxy/gateway-helm"
	DefaultGatewayVersion = "v1.9.0" // of messages: which one it is depends on the cluster
	DefaultDestination    = "repository/components/dropins/"
	DefaultGatewayClass   = "envoy-gateway"
	DefaultController     = "gateway.envoyproxy.io/gatewayclass-controller"
	DefaultGateway        = "wso2-apim-gateway"
	DefaultAdminUsername  = "admin"

	// DefaultHandlerURL is the notification handler that API Manager 4.7.0 is released with. Without it Identity Server
	// issues tokens but never tells API Manager that one was revoked.
	DefaultHandlerURL = "https://maven.wso2.org/nexus/content/repositories/releases/org/wso2/km/ext/wso2is/" +
		"wso2is.notification.event.handlers/2.1.3/wso2is.notification.event.handlers-2.1.3.jar"
)

// Default fills in what the environment leaves open, but for apiVersion, which a file must say. What is set stays; doing
// it twice changes nothing more.
func (e *Environment) Default() {
	set(&e.Namespace, DefaultNamespace)
	set(&e.Cluster, DefaultCluster)
	set(&e.OnFailure, OnFailureRollback)
	set(&e.Verify.Level, VerifyFull)
	set(&e.Credentials.AdminUsername, DefaultAdminUsername)
	set(&e.Certificates.Validity, Duration(825*24*time.Hour))
	e.Routing.Controller.Default()
	set(&e.Routing.Gateway, DefaultGateway)
	e.Image.setDefaults()
	e.IdentityServer.setDefaults("is", DefaultISChart, DefaultISVersion)
	e.APIManager.setDefaults("apim", DefaultAPIMChart, DefaultAPIMVersion)
	set(&e.APIManager.Image, DefaultAPIMImage)
	e.KeyManager.setDefaults()
	e.Timeouts.setDefaults()
	for i := range e.Schedules {
		set(&e.Schedules[i].Name, e.Schedules[i].Operation)
		set(&e.Schedules[i].TimeZone, "UTC")
	}
}

func (i *Image) setDefaults() {
	set(&i.Base, DefaultBaseImage)
	if i.Artifacts == nil {
		i.Artifacts = []Artifact{{URL: DefaultHandlerURL}}
	}
	for n := range i.Artifacts {
		set(&i.Artifacts[n].Destination, DefaultDestination)
	}
}

// setDefaults completes a chart of which only the version, or nothing, is given. A chart from elsewhere keeps its own
// version, or has none: validation then asks for it.
func (p *Product) setDefaults(release, chart, version string) {
	set(&p.Release, release)
	set(&p.Replicas, 1)
	if p.Chart.OCI != "" || p.Chart.Path != "" {
		return
	}
	set(&p.Chart.Repository, DefaultRepository)
	set(&p.Chart.Name, chart)
	if p.Chart.Repository == DefaultRepository && p.Chart.Name == chart {
		set(&p.Chart.Version, version)
	}
}

func (k *KeyManager) setDefaults() {
	set(&k.Name, "WSO2IS7")
	set(&k.DisplayName, "WSO2 Identity Server 7")
	setBool(&k.RoleCreation, true)
	if len(k.GrantTypes) == 0 {
		k.GrantTypes = []string{"client_credentials", "password", "refresh_token", "authorization_code"}
	}
}

func (t *Timeouts) setDefaults() {
	set(&t.Gateway, Duration(5*time.Minute))
	set(&t.IdentityServer, Duration(15*time.Minute))
	set(&t.APIManager, Duration(15*time.Minute))
	set(&t.KeyManager, Duration(5*time.Minute))
	set(&t.Verify, Duration(5*time.Minute))
	set(&t.Decision, Duration(24*time.Hour))
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func setBool(field **bool, value bool) {
	if *field == nil {
		*field = &value
	}
}
