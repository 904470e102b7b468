package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Watch keeps, until the test ends, what [World.SecretsStaySecret] would otherwise find gone: secrets that were made and removed again,
// and events, ConfigMaps, Helm's records and logs that went with what a rollback removed.
func (w *World) Watch(t testing.TB) {
	t.Helper()
	factory := informers.NewSharedInformerFactory(w.Client(t), 0)
	core := factory.Core().V1()
	for _, informer := range []cache.SharedIndexInformer{core.Secrets().Informer(), core.ConfigMaps().Informer(), core.Events().Informer()} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    w.saw,
			UpdateFunc: func(_, object any) { w.saw(object) },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	go w.keepLogs(stop)
	t.Cleanup(func() {
		close(stop)
		factory.Shutdown()
	})
}

// saw keeps a version of an object: of what holds secrets the secrets, of all else the text.
func (w *World) saw(object any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch o := object.(type) {
	case *corev1.Secret:
		if o.Namespace == Namespace && (o.Name == "lockstep-credentials" || o.Name == "lockstep-ca") {
			w.learn(o.Name, o.Data)
		}
		if o.Type == "helm.sh/release.v1" {
			w.seen[fmt.Sprintf("Helm's record %s at %s", o.Name, o.ResourceVersion)], _ = unpacked(string(o.Data["release"]))
		}
	case *corev1.Event:
		w.seen["Event "+o.Name] = []byte(o.Message)
	case *corev1.ConfigMap:
		w.seen[fmt.Sprintf("ConfigMap %s/%s at %s", o.Namespace, o.Name, o.ResourceVersion)] = text(o)
	}
}

func text(object runtime.Object) []byte {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil // an object of the API can be encoded
	}
	return raw
}

// keepLogs reads the logs of pods while they grow, since a pod's folder goes with it.
func (w *World) keepLogs(stop <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		logs, _ := filepath.Glob(filepath.Join(w.Dir(), "pods/*/*/*.log"))
		for _, log := range logs {
			w.keepLog(log)
		}
	}
}

func (w *World) keepLog(log string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.seen[log]
	if info, err := os.Stat(log); err != nil || info.Size() == int64(len(before)) {
		return
	}
	now, err := os.ReadFile(log)
	if err != nil {
		return // it has just gone
	}
	if !bytes.HasPrefix(now, before) { // of a container that was started again
		w.seen[fmt.Sprintf("%s, earlier (%d)", log, len(w.seen))] = before
	}
	w.seen[log] = now
}
