package carbontest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A Call is an HTTP request of a test.
type Call struct {
	Method, URL string
	Basic       [2]string // user, password
	Bearer      string
	JSON        any        // body, or
	Form        url.Values // body
	Header      map[string]string
}

// An Answer is what came back.
type Answer struct {
	Status int
	Body   []byte
	JSON   map[string]any // of the body, if it is an object
	Header http.Header
}

// Text is a field of the body as text.
func (a Answer) Text(field string) string {
	text, _ := a.JSON[field].(string)
	return text
}

// Do makes the call.
func Do(t testing.TB, client *http.Client, call Call) Answer {
	t.Helper()
	var body []byte
	kind := ""
	if call.Form != nil {
		body, kind = []byte(call.Form.Encode()), "application/x-www-form-urlencoded"
	} else if call.JSON != nil {
		var err error
		if body, err = json.Marshal(call.JSON); err != nil {
			t.Fatal(err)
		}
		kind = "application/json"
	}
	request, err := http.NewRequest(call.Method, call.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if call.Basic[0] != "" {
		request.SetBasicAuth(call.Basic[0], call.Basic[1])
	}
	if call.Bearer != "" {
		request.Header.Set("Authorization", "Bearer "+call.Bearer)
	}
	for name, value := range call.Header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	if answer.Body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		_ = json.Unmarshal(answer.Body, &answer.JSON) // a list stays in Body
	}
	return answer
}

// Expect makes the call and ends the test unless the answer has the status.
func Expect(t testing.TB, client *http.Client, status int, call Call) Answer {
	t.Helper()
	answer := Do(t, client, call)
	if answer.Status != status {
		t.Fatalf("%s %s: got %d, want %d: %s", call.Method, call.URL, answer.Status, status, answer.Body)
	}
	return answer
}
