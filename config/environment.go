package config

// APIVersion is the only value of [Environment.APIVersion] this version reads.
const APIVersion = "lockstep/v1"

// Environment is one API Manager environment with Identity Server 7 as its Key Manager.
// It never holds a secret, only references to secrets.
type Environment struct {
	// APIVersion is always "lockstep/v1".
	APIVersion string `json:"apiVersion" choices:"lockstep/v1"`
	// Name identifies the environment; operations on it have the workflow id environment/<name>. A DNS label.
	Name string `json:"name" rule:"label"`
	// Namespace holds both products and everything Lockstep makes for them. Default "apim".
	Namespace string `json:"namespace,omitempty" rule:"label"`
	// Cluster is the name of the cluster that the environment is on. Default "default", which is the worker's own.
	Cluster ClusterName `json:"cluster,omitempty" rule:"label"`
	// Hostnames are the public names; all five must differ.
	Hostnames Hostnames `json:"hostnames"`
	// Routing is the Gateway.
	Routing Routing `json:"routing,omitzero"`
	// Image is the Identity Server image with the notification handler added.
	Image Image `json:"image"`
	// IdentityServer is the Identity Server release.
	IdentityServer Product `json:"identityServer,omitzero"`
	// APIManager is the API Manager release.
	APIManager Product `json:"apiManager,omitzero"`
	// Certificates says where certificates come from.
	Certificates Certificates `json:"certificates,omitzero"`
	// Credentials says where passwords and encryption keys come from.
	Credentials Credentials `json:"credentials,omitzero"`
	// KeyManager is the registration of Identity Server in API Manager.
	KeyManager KeyManager `json:"keyManager,omitzero"`
	// Verify says how much is proved after the deployment.
	Verify Verify `json:"verify,omitzero"`
	// Timeouts say how long waits may take.
	Timeouts Timeouts `json:"timeouts,omitzero"`
	// OnFailure is what a deployment does when a step failed: "rollback" (default: undo what the run did), "pause" (wait for an
	// operator's decision) or "keep" (leave it for inspection).
	OnFailure FailurePolicy `json:"onFailure,omitempty" choices:"rollback,pause,keep"`
	// Approvals are the steps of a deployment that begin only once an operator has approved them.
	Approvals []string `json:"approvals,omitempty"`
	// Schedules are the operations that run again and again. They take effect with `lockstep schedule apply`.
	Schedules []Schedule `json:"schedules,omitempty"`
}

// Hostnames are the public names of the environment.
type Hostnames struct {
	Management string `json:"management" rule:"hostname"` // publisher, devportal, admin, carbon
	Gateway    string `json:"gateway" rule:"hostname"`    // API calls over HTTPS
	WebSocket  string `json:"websocket" rule:"hostname"`
	WebSub     string `json:"websub" rule:"hostname"`
	KeyManager string `json:"keyManager" rule:"hostname"` // Identity Server; also its issuer: https://<keyManager>/oauth2/token
}

// All returns the five names in listener order.
func (h Hostnames) All() []string {
	return []string{h.Management, h.Gateway, h.WebSocket, h.WebSub, h.KeyManager}
}

// Routing is the Gateway, and the controller that serves it.
type Routing struct {
	// Gateway is the Gateway's name, in Namespace of the environment. Default "wso2-apim-gateway".
	Gateway string `json:"gateway,omitempty" rule:"label"`
	// Controller is the cluster's: its file says it, and no environment file.
	Controller `owner:"cluster"`
}

// Chart names one chart by exact version: exactly one of Repository, OCI and Path.
type Chart struct {
	// Repository is the URL of an HTTP chart repository; Name is then required.
	Repository string `json:"repository,omitempty"`
	// OCI is a full reference without tag: oci://registry/path/name.
	OCI string `json:"oci,omitempty"`
	// Path is a chart folder or .tgz below the folder of charts that the cluster's file names, as wso2am-4.7.0-1.tgz.
	Path string `json:"path,omitempty"`
	// Name is the chart's name in Repository.
	Name string `json:"name,omitempty"`
	// Version is an exact SemVer version, as 4.7.0-1: no range, no "latest". With Path it may be empty.
	Version string `json:"version,omitempty"`
	// SHA256 is the digest of the chart's archive, 64 hex digits, for a chart of Repository or an archive at Path. Another archive is
	// refused. Empty: what the source serves for the version is taken.
	SHA256 string `json:"sha256,omitempty"`
	// Digest is the digest of the chart's manifest in OCI, sha256: and 64 hex digits, as helm push prints it. Another one is refused.
	Digest string `json:"digest,omitempty"`
}

// Image is the Identity Server image that Lockstep builds: Base plus Artifacts.
type Image struct {
	// Base is the image to start from. Default docker.io/wso2/wso2is:7.2.0. With @sha256:digest after the tag it is that one and no other.
	Base string `json:"base,omitempty"`
	// Target is repository and tag to push to. The cluster must be able to pull it.
	Target string `json:"target"`
	// Platforms limits a multi-platform base, as linux/amd64. Default: all of the base's.
	Platforms []string `json:"platforms,omitempty"`
	// Artifacts are the files to add. Default: the notification handler 2.1.3 from WSO2's Maven repository. An empty list
	// adds no file, for a base that has the handler already.
	Artifacts []Artifact `json:"artifacts,omitzero"`
	// PlainHTTP lists the registry hosts that Lockstep reaches without TLS. All others are reached with TLS.
	PlainHTTP []string `json:"plainHTTP,omitempty"`
	// PullSecret names a Secret of type kubernetes.io/dockerconfigjson in the environment's namespace. Lockstep reads it
	// for base and target, and pods use it. Default: the worker's docker config; pods get none.
	PullSecret string `json:"pullSecret,omitempty" rule:"secret"`
	// Credentials reads registry user and password from a Secret instead (keys username, password).
	Credentials *SecretRef `json:"credentials,omitzero"`
}

// Artifact is one file that goes into the image.
type Artifact struct {
	// URL is http(s), fetched by the worker.
	URL string `json:"url"`
	// SHA256 is the file's digest, 64 hex digits. Empty: the Maven sidecar (.sha1) next to URL is used instead, and another file than the
	// one that is in the image under target already is refused.
	SHA256 string `json:"sha256,omitempty"`
	// Destination is a folder (trailing slash) or a file, below the image's WSO2_SERVER_HOME.
	// Default repository/components/dropins/.
	Destination string `json:"destination,omitempty"`
}

// Product is one Helm release of a WSO2 product.
type Product struct {
	// Release is the Helm release name. Default "is" or "apim".
	Release string `json:"release,omitempty"`
	// Chart is the chart. Default: https://helm.wso2.com, identity-server 7.2.0-1 or wso2am-all-in-one 4.7.0-1.
	Chart Chart `json:"chart,omitzero"`
	// Image overrides the product image of API Manager (default docker.io/wso2/wso2am:4.7.0), also as tag@sha256:digest; Identity Server runs the built one.
	Image string `json:"image,omitempty"`
	// Replicas is 1 (default) or, for Identity Server, more. API Manager takes 2 for its high-availability pair.
	Replicas int `json:"replicas,omitempty"`
	// Values are chart values over those that Lockstep composes.
	Values Values `json:"values,omitempty"`
	// ValuesFile is a values file beside the environment file; Values win over it. Loading folds it into Values.
	ValuesFile string `json:"valuesFile,omitempty"`
}

// Certificates says where certificates come from. Empty: Lockstep makes a CA once and keeps it.
type Certificates struct {
	// CA names a Secret of type kubernetes.io/tls whose pair signs all leaf certificates.
	CA string `json:"ca,omitempty" rule:"secret"`
	// CANamespace is the namespace of the Secret with the CA's key, where those who read the products' Secrets do not read it. Lockstep
	// makes no such namespace. Default: the environment's.
	CANamespace string `json:"caNamespace,omitempty" rule:"namespace"`
	// GatewayTLS names a Secret of type kubernetes.io/tls for all public listeners, which then offer no HTTP/2. Default: one each, minted from the CA.
	GatewayTLS string `json:"gatewayTLS,omitempty" rule:"secret"`
	// Validity of the CA's leaf certificates. Default 825 days (19800h).
	Validity Duration `json:"validity,omitempty"`
	// ExtraDNSNames are further names in the certificates of both products.
	ExtraDNSNames []string `json:"extraDNSNames,omitempty"`
}

// Credentials says where passwords and encryption keys come from.
type Credentials struct {
	// AdminUsername is the super admin of both products. Default "admin".
	AdminUsername string `json:"adminUsername,omitempty"`
	// Secret names a Secret in the environment's namespace with keys adminPassword, keystorePassword,
	// apimEncryptionKey and isEncryptionKey. Default: made once as lockstep-credentials.
	Secret string `json:"secret,omitempty" rule:"secret"`
}

// SecretRef names a Secret in the environment's namespace.
type SecretRef struct {
	Secret string `json:"secret" rule:"secret"`
}

// KeyManager is the registration of Identity Server in API Manager.
type KeyManager struct {
	// Name of the key manager in API Manager. Default "WSO2IS7".
	Name string `json:"name,omitempty"`
	// DisplayName. Default "WSO2 Identity Server 7".
	DisplayName string `json:"displayName,omitempty"`
	// RoleCreation lets the connector make roles in Identity Server. Default true.
	RoleCreation *bool `json:"roleCreation,omitempty"`
	// GrantTypes offered for it. Default client_credentials, password, refresh_token, authorization_code.
	GrantTypes []string `json:"grantTypes,omitempty"`
}

// Verify says how much is proved after the deployment.
type Verify struct {
	// Level is none, health, token or full (default).
	Level VerifyLevel `json:"level,omitempty" choices:"none,health,token,full"`
}

// VerifyLevel is how much is proved.
type VerifyLevel string

// Verification levels; each includes those before it.
const (
	VerifyNone   VerifyLevel = "none"
	VerifyHealth VerifyLevel = "health" // both products answer, issuer matches, key manager is registered
	VerifyToken  VerifyLevel = "token"  // an application gets a token from Identity Server
	VerifyFull   VerifyLevel = "full"   // an API answers to the token and refuses it once revoked
)

// Timeouts say how long waits may take. Each but decision is the time in which one step must become ready.
type Timeouts struct {
	Gateway        Duration `json:"gateway,omitempty"`        // default 5m
	IdentityServer Duration `json:"identityServer,omitempty"` // default 15m
	APIManager     Duration `json:"apiManager,omitempty"`     // default 15m
	KeyManager     Duration `json:"keyManager,omitempty"`     // default 5m
	Verify         Duration `json:"verify,omitempty"`         // default 5m
	// Decision is how long a paused step or an approval waits for an operator. Then everything is rolled back. Default 24h.
	Decision Duration `json:"decision,omitempty"`
}

// FailurePolicy is what a failed deployment does.
type FailurePolicy string

// Failure policies.
const (
	OnFailureRollback FailurePolicy = "rollback"
	OnFailurePause    FailurePolicy = "pause"
	OnFailureKeep     FailurePolicy = "keep"
)

// Schedule is an operation that runs again and again. It has exactly one of Cron and Every.
type Schedule struct {
	// Name of the schedule, a DNS label. Default: the operation.
	Name string `json:"name,omitempty"`
	// Operation is rebuild, verify, drift, rotate or deploy.
	Operation string `json:"operation"`
	// Cron has five fields: minute, hour, day of month, month, day of week; or is @hourly, @daily, @weekly, @monthly or @yearly.
	Cron string `json:"cron,omitempty"`
	// Every is the time from one run to the next, counted from midnight UTC of 1970-01-01. At least 1m.
	Every Duration `json:"every,omitempty"`
	// TimeZone of Cron, a name of the IANA database, as Europe/Berlin. Default "UTC".
	TimeZone string `json:"timeZone,omitempty"`
	// Jitter is how much later a run may begin, at random, so that not all runs begin at once. Default 0.
	Jitter Duration `json:"jitter,omitempty"`
	// Options are the operation's own, as level of verify.
	Options Values `json:"options,omitempty"`
}
