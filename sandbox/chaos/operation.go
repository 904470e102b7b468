package chaos

import (
	"slices"

	"lockstep/sandbox/fault"
	"lockstep/workflows"
)

// State is how an environment is between operations.
type State string

// States of the environment.
const (
	Nothing  State = "nothing"
	Deployed State = "deployed" // as examples/quickstart.yaml says
	Changed  State = "changed"  // with another image and other values of both products
)

// Operation is what is done to the environment.
type Operation struct {
	Name     string
	From, To State // From may be "", for what there is; To is where it leads if it is not undone
	Teardown bool
	Fails    bool // API Manager cannot start
	Cancel   bool

	boundaries []Moment // between steps
	inside     []Moment // steps in which something may happen at any time
	cancelAt   []Moment
	specials   []Fault
	points     []fault.Fault // requests that servers may fail
}

// operations are a cycle: each finds the environment as the one before it leaves it.
func operations() []Operation {
	forth, back := deploySteps(), undoSteps()
	return []Operation{
		{Name: "first deployment", From: Nothing, To: Deployed, boundaries: forth, inside: running(forth), specials: specials(true), points: points()},
		{Name: "change", From: Deployed, To: Changed, boundaries: forth, inside: running(forth), specials: specials(false), points: points()},
		{Name: "change that fails", From: Changed, To: Changed, Fails: true, boundaries: back, inside: in(back, workflows.StateUndoing), specials: undoSpecials(), points: slices.Concat(supplies(), registration())},
		{Name: "cancelled change", From: Changed, To: Deployed, Cancel: true, boundaries: back, inside: in(back, workflows.StateUndoing), cancelAt: late(), specials: undoSpecials(), points: points()},
		{Name: "teardown", To: Nothing, Teardown: true, boundaries: teardownSteps(), inside: running(teardownSteps()), specials: teardownSpecials()},
		{Name: "first deployment that fails", From: Nothing, To: Nothing, Fails: true, boundaries: back, inside: in(back, workflows.StateUndoing), specials: undoSpecials(), points: supplies()},
		{Name: "cancelled first deployment", From: Nothing, To: Deployed, Cancel: true, boundaries: back, inside: in(back, workflows.StateUndoing), cancelAt: late(), specials: undoSpecials(), points: points()},
	}
}

// deploySteps are the boundaries of a deployment, about in the order in which they come.
func deploySteps() []Moment {
	return boundaries(workflows.StateRunning, workflows.StateDone,
		"preflight", "namespace", "image", "gateway-crds", "credentials", "certificates", "gateway", "identity-server", "api-manager", "routes", "key-manager", "verify", "report")
}

// undoSteps are the boundaries of a compensation that begins while API Manager starts.
func undoSteps() []Moment {
	return boundaries(workflows.StateUndoing, workflows.StateUndone,
		"api-manager", "identity-server", "gateway", "certificates", "credentials", "gateway-crds", "image", "namespace")
}

func teardownSteps() []Moment {
	return boundaries(workflows.StateRunning, workflows.StateDone,
		"survey", "routes", "api-manager", "identity-server", "listeners", "gateway", "certificates", "credentials", "gateway-crds", "namespace")
}

func boundaries(begins, ends string, steps ...string) []Moment {
	var all []Moment
	for _, step := range steps {
		all = append(all, Moment{Step: step, State: begins}, Moment{Step: step, State: ends})
	}
	return all
}

func running(all []Moment) []Moment { return in(all, workflows.StateRunning) }

func in(all []Moment, state string) []Moment {
	return slices.DeleteFunc(slices.Clone(all), func(m Moment) bool { return m.State != state })
}

// late is where operations are cancelled.
func late() []Moment {
	return running(boundaries(workflows.StateRunning, workflows.StateDone, "certificates", "gateway", "identity-server", "api-manager", "key-manager", "verify"))
}

// specials are the moments of a deployment at which a lost worker is hardest to make up for.
func specials(first bool) []Fault {
	all := []Fault{
		held(KillWorker, fault.Fault{Server: fault.Registry, Method: "PUT", Path: "/manifests/"}),
		{Kind: KillWorker, At: Moment{Pending: "is"}},
		{Kind: KillWorker, At: Moment{Pending: "apim"}},
		held(KillWorker, fault.Fault{Server: fault.APIManager, Method: "POST", Path: "/key-managers"}),
		{Kind: FreezeWorker, At: Moment{Pending: "is"}},
		held(FreezeWorker, fault.Fault{Server: fault.APIManager, Method: "POST", Path: "/applications"}),
		{Kind: OutliveWorker, At: Moment{Pending: "apim"}},
		held(KillWorker, fault.Fault{Server: fault.APIManager, Method: "POST", Path: "/apis"}),
		{Kind: KillProcess, Process: "kube-apiserver", At: Moment{Pending: "is"}},
		{Kind: KillProcess, Process: "temporal", At: Moment{Step: "verify", State: workflows.StateRunning}},
		held(KillWorker, fault.Fault{Server: fault.Identity, Path: "/register"}),
		{Kind: KillProcess, Process: "etcd", At: Moment{Pending: "apim"}},
	}
	if first {
		all = append([]Fault{
			held(KillWorker, fault.Fault{Server: fault.Registry, Method: "PATCH", Path: "/blobs/uploads/"}),
			{Kind: KillWorker, At: Moment{Secret: "apim-keystore-secret"}},
			{Kind: KillWorker, At: Moment{Pending: "envoy-gateway"}},
			{Kind: KillWorker, At: Moment{Secret: "lockstep-ca"}},
			{Kind: KillWorker, At: Moment{Secret: "is-keystores"}},
			held(FreezeWorker, fault.Fault{Server: fault.Registry, Method: "PATCH", Path: "/blobs/uploads/"}),
			{Kind: FreezeWorker, At: Moment{Pending: "envoy-gateway"}},
			{Kind: OutliveWorker, At: Moment{Secret: "apim-keystore-secret"}},
		}, all...)
	}
	return all
}

// held is a request that was served and whose answer is held back while the worker is killed or frozen.
func held(kind Kind, at fault.Fault) Fault {
	at.Cut, at.Delay, at.Times = fault.CutAnswer, "4s", 1
	if kind == FreezeWorker {
		return Fault{Kind: HoldAndFreeze, Server: at}
	}
	return Fault{Kind: HoldAndKill, Server: at}
}

func undoSpecials() []Fault {
	undoing := func(step string) Moment { return Moment{Step: step, State: workflows.StateUndoing} }
	return []Fault{
		{Kind: FreezeWorker, At: undoing("api-manager")},
		{Kind: KillProcess, Process: "temporal", At: undoing("identity-server")},
		{Kind: KillProcess, Process: "kube-apiserver", At: undoing("identity-server")},
		{Kind: OutliveWorker, At: undoing("gateway")},
		{Kind: KillProcess, Process: "etcd", At: undoing("gateway")},
		{Kind: FreezeWorker, At: undoing("identity-server")},
	}
}

func teardownSpecials() []Fault {
	removing := func(step string) Moment { return Moment{Step: step, State: workflows.StateRunning} }
	return []Fault{
		{Kind: FreezeWorker, At: removing("api-manager")},
		{Kind: KillProcess, Process: "kube-apiserver", At: removing("gateway")},
		{Kind: OutliveWorker, At: removing("gateway")},
		{Kind: KillProcess, Process: "temporal", At: removing("identity-server")},
		{Kind: KillProcess, Process: "etcd", At: removing("gateway-crds")},
		{Kind: FreezeWorker, At: removing("namespace")},
	}
}

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
