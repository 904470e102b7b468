package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep/config"
)

func TestProbeSlow(t *testing.T) {
	s := away(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST /v1/environments/dev/operations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
	connection.SetReadDeadline(time.Now().Add(25 * time.Second))
	began := time.Now()
	data, err := io.ReadAll(connection)
	t.Logf("%s after %s: %v", data, time.Since(began), err)
}

func TestProbeOverrides(t *testing.T) {
	s := away(t)
	for _, body := range []string{
		`{"operation":"deploy","overrides":{"timeouts":1e400}}`,
		`{"operation":"deploy","overrides":{"apim":{"values":{"x":1e400}}}}`,
		`{"operation":"deploy","overrides":{"apim":{"valuesFiles":["/etc/passwd"]}}}`,
		`{"operation":"deploy","overrides":{"apim":{"valuesFiles":["/proc/self/cmdline"]}}}`,
		`{"operation":"deploy","overrides":{"credentials":"hunter2"}}`,
		`{"operation":"deploy","overrides":{"apim":{"values":"hunter2","password":"hunter3"}}}`,
		`{"operation":"deploy","overrides":{"name":"other"}}`,
		`{"operation":"deploy","overrides":{}}`,
		`{"operation":"deploy","overrides":null}`,
		`{"operation":"deploy","OPERATION":"teardown"}`,
		`{"operation":"deploy","operation":"teardown"}`,
		`{"operation":"deploy","Overrides":{"namespace":"x"}}`,
		`{"operation":"deploy","overrides":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`,
	} {
		for _, who := range []string{operator, root} {
			a := s.send(http.MethodPost, "/v1/environments/dev/operations", who, body, "Idempotency-Key", "k")
			text := fmt.Sprint(a)
			if len(text) > 900 {
				text = text[:900]
			}
			if len(body) > 200 { body = body[:100] }
			t.Logf("%s %s ->\n %s", who, body, text)
		}
	}
}

func TestProbeSecretInFile(t *testing.T) {
	env, err := config.Parse([]byte("name: dev\ncredentials:\n  admin: hunter2\npassword: hunter3\ndatabase: {password: hunter4}\napim:\n  values: {x: 1e400, y: .inf}\n"), nil)
	t.Logf("%v\n%v", env.Name, err)
}
