package carbontest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
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
	Form        url.Values // body, or
	Multipart   url.Values // body, as multipart/form-data
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
	body, kind, err := call.body()
	if err != nil {
		t.Fatal(err)
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

func (c Call) body() (data []byte, kind string, err error) {
	switch {
	case c.Form != nil:
		return []byte(c.Form.Encode()), "application/x-www-form-urlencoded", nil
	case c.Multipart != nil:
		var parts bytes.Buffer
		writer := multipart.NewWriter(&parts)
		for name := range c.Multipart {
			if err := writer.WriteField(name, c.Multipart.Get(name)); err != nil {
				return nil, "", err
			}
		}
		err := writer.Close()
		return parts.Bytes(), writer.FormDataContentType(), err
	case c.JSON != nil:
		data, err = json.Marshal(c.JSON)
		return data, "application/json", err
	}
	return nil, "", nil
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
