package chaos

import (
	"slices"

	"lockstep/sandbox/fault"
)

// points are requests of deployments that may fail.
func points() []fault.Fault { return slices.Concat(supplies(), registration(), verification()) }

// supplies are requests for images, charts and artifacts, and those that push and remove the image.
func supplies() []fault.Fault {
	return []fault.Fault{
		{Server: fault.Registry, Method: "GET", Path: "/wso2/wso2is/manifests/"},
		{Server: fault.Registry, Method: "GET", Path: "/wso2/wso2is/blobs/"},
		{Server: fault.Registry, Method: "GET", Path: "/envoyproxy/gateway-helm/"},
		{Server: fault.Registry, Method: "HEAD", Path: "/wso2is-km/"},
		{Server: fault.Registry, Method: "POST", Path: "/blobs/uploads/"},
		{Server: fault.Registry, Method: "PATCH", Path: "/blobs/uploads/"},
		{Server: fault.Registry, Method: "PUT", Path: "/blobs/uploads/"},
		{Server: fault.Registry, Method: "PUT", Path: "/wso2is-km/manifests/"},
		{Server: fault.Repositories, Method: "GET", Path: "/charts/index.yaml"},
		{Server: fault.Repositories, Method: "GET", Path: ".tgz"},
		{Server: fault.Repositories, Method: "GET", Path: ".jar"},
		{Server: fault.Repositories, Method: "GET", Path: ".jar.sha1"},
		{Server: fault.Registry, Method: "DELETE", Path: "/wso2is-km/"},
	}
}

// registration are requests that register the key manager, and put it back.
func registration() []fault.Fault {
	return []fault.Fault{
		{Server: fault.APIManager, Method: "POST", Path: "/client-registration/"},
		{Server: fault.APIManager, Method: "POST", Path: "/oauth2/token"},
		{Server: fault.APIManager, Method: "GET", Path: "/key-managers"},
		{Server: fault.APIManager, Method: "POST", Path: "/key-managers"},
		{Server: fault.APIManager, Method: "POST", Path: "/applications"},
		{Server: fault.APIManager, Method: "POST", Path: "/generate-keys"},
		{Server: fault.Identity, Method: "GET", Path: "/.well-known/"},
		{Server: fault.Identity, Method: "POST", Path: "/register"},
		{Server: fault.Identity, Method: "GET", Path: "/scim2/"},
	}
}

// verification are requests of the proof that it works.
func verification() []fault.Fault {
	return []fault.Fault{
		{Server: fault.APIManager, Method: "POST", Path: "/apis"},
		{Server: fault.APIManager, Method: "POST", Path: "/subscriptions"},
		{Server: fault.APIManager, Method: "DELETE", Path: "/api/am/"},
		{Server: fault.Identity, Method: "POST", Path: "/oauth2/token"},
		{Server: fault.Identity, Method: "POST", Path: "/oauth2/revoke"},
	}
}
