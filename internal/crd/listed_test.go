package crd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"lockstep/internal/cluster"
)

func TestNewKindsAreWaitedForUntilDiscoveryListsThem(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api":
			fmt.Fprint(w, `{"kind":"APIVersions","versions":[]}`)
		case "/apis":
			if asked.Add(1) < 3 {
				fmt.Fprint(w, `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`)
				return
			}
			fmt.Fprint(w, `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"example.com","versions":[{"groupVersion":"example.com/v1","version":"v1"}]}]}`)
		case "/apis/example.com/v1":
			fmt.Fprint(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"example.com/v1","resources":[{"name":"widgets","kind":"Widget","namespaced":true,"verbs":["get"]}]}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	client, err := cluster.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	crd := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"group": "example.com", "names": map[string]any{"kind": "Widget"},
		"versions": []any{map[string]any{"name": "v1", "served": true}, map[string]any{"name": "v0", "served": false}},
	}}}
	if err := waitListed(t.Context(), client, []*unstructured.Unstructured{crd}); err != nil {
		t.Fatal(err)
	}
	if asked.Load() < 3 {
		t.Errorf("discovery was asked %d times: it is believed before it lists the kind", asked.Load())
	}
}

func TestCRDsThatStayForOneReasonAreToldTogether(t *testing.T) {
	got := Grouped([]Stays{{"a.example.com", "too old"}, {"b.example.com", "experimental"}, {"c.example.com", "too old"}})
	if diff := cmp.Diff([]string{"a.example.com, c.example.com (too old)", "b.example.com (experimental)"}, got); diff != "" {
		t.Error(diff)
	}
}
