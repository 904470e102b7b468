package stream

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestASlowClientIsNotWaitedFor(t *testing.T) {
	f := &Feed{changed: make(chan struct{})}
	for i := range 1000 {
		f.show(NewSnapshot(board(i), nil))
	}
	newest, _ := f.Now()
	if want := NewSnapshot(board(999), nil); *newest != *want {
		t.Error("who comes late does not get the newest")
	}
	w := httptest.NewRecorder()
	out := &Writer{w, http.NewResponseController(w)}
	if err := out.Show(newest, ""); err == nil {
		t.Error("a connection whose writes cannot be bounded is written to")
	}
}

func board(i int) json.RawMessage { return json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)) }
