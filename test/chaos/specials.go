package chaos

import (
	"lockstep/sandbox/fault"
	"lockstep/workflows/board"
)

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
		{Kind: KillProcess, Process: "temporal", At: Moment{Step: "verify", State: board.StateRunning}},
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
	undoing := func(step string) Moment { return Moment{Step: step, State: board.StateUndoing} }
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
	removing := func(step string) Moment { return Moment{Step: step, State: board.StateRunning} }
	return []Fault{
		{Kind: FreezeWorker, At: removing("api-manager")},
		{Kind: KillProcess, Process: "kube-apiserver", At: removing("gateway")},
		{Kind: OutliveWorker, At: removing("gateway")},
		{Kind: KillProcess, Process: "temporal", At: removing("identity-server")},
		{Kind: KillProcess, Process: "etcd", At: removing("gateway-crds")},
		{Kind: FreezeWorker, At: removing("namespace")},
	}
}
