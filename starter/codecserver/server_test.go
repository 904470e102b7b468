package codecserver

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"lockstep/internal/codec"
	"lockstep/starter/api/auth"
)

const ui = "http://localhost:8233"

// lab is a codec server with one caller who may read all, and one who may read one environment alone.
type lab struct {
	*httptest.Server
	codec         *codec.Codec
	reader, other string // tokens
	log           bytes.Buffer
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{codec: newCodec(t, "one")}
	file := "tokens:\n"
	token := func(name, environments string) string {
		token, entry, err := auth.NewToken(name, "reader", []string{environments})
		if err != nil {
			t.Fatal(err)
		}
		file += entry
		return token
	}
	l.reader, l.other = token("jane", "*"), token("joe", "dev")
	log := slog.New(slog.NewTextHandler(&l.log, nil))
	guard, err := auth.New(auth.Options{File: write(t, t.TempDir(), "access.yaml", file), Audit: log})
	if err != nil {
		t.Fatal(err)
	}
	l.Server = httptest.NewServer(Handler(Options{Codec: l.codec, Guard: guard, Origins: []string{ui}, Log: log}))
	t.Cleanup(l.Close)
	return l
}

func newCodec(t *testing.T, id string) *codec.Codec {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	folder := t.TempDir()
	write(t, folder, id, base64.StdEncoding.EncodeToString(key))
	keys, err := codec.ReadKeys(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	return codec.New(keys)
}

func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// sealed is a request about one text, encrypted by the codec, as the UI sends it.
func sealed(t *testing.T, c converter.PayloadCodec, text string) string {
	t.Helper()
	payload, err := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c).ToPayload(text)
	if err != nil {
		t.Fatal(err)
	}
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{payload}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// ask sends a request of a page of the UI's, with more headers in pairs.
func ask(t *testing.T, client *http.Client, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", ui)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Namespace", "default")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(said)
}

// newBrowser keeps cookies.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// plain is the text in an answer.
func plain(t *testing.T, answer string) string {
	t.Helper()
	var payloads commonpb.Payloads
	if err := protojson.Unmarshal([]byte(answer), &payloads); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	var text string
	if err := json.Unmarshal(payloads.GetPayloads()[0].GetData(), &text); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	return text
}

func TestAPageOfTheUIReadsAndWritesPayloads(t *testing.T) {
	l := newLab(t)
	bearer := []string{"Authorization", "Bearer " + l.reader}

	answer, said := ask(t, l.Client(), http.MethodPost, l.URL+"/decode?preserveStorageRefs=true", sealed(t, l.codec, "the plain text"), bearer...)
	if answer.StatusCode != http.StatusOK || plain(t, said) != "the plain text" {
		t.Fatalf("decoding: %d %s", answer.StatusCode, said)
	}
	if answer.Header.Get("Access-Control-Allow-Origin") != ui || answer.Header.Get("Access-Control-Allow-Credentials") != "true" ||
		answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", answer.Header)
	}

	answer, said = ask(t, l.Client(), http.MethodPost, l.URL+"/encode", said, bearer...)
	if answer.StatusCode != http.StatusOK || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte("the plain text"))) {
		t.Fatalf("encoding: %d %s", answer.StatusCode, said)
	}
	if _, said = ask(t, l.Client(), http.MethodPost, l.URL+"/decode", said, bearer...); plain(t, said) != "the plain text" {
		t.Errorf("decoding what was encoded: %s", said)
	}

	l.Close() // all is logged then
	if log := l.log.String(); !strings.Contains(log, `path=/decode status=200 who="token \"jane\""`) || strings.Contains(log, "plain text") || strings.Contains(log, l.reader) {
		t.Errorf("log:\n%s", log)
	}
}

func TestWhoMayNotReadPayloadsIsToldWhy(t *testing.T) {
	l := newLab(t)
	body := sealed(t, l.codec, "the plain text")
	unknown := sealed(t, newCodec(t, "2019"), "x")
	for _, c := range []struct {
		holds   string
		body    string
		headers []string
		status  int
		says    string
	}{
		{"without a token", body, nil, 401, "log in at the codec server's page /login"},
		{"with an unknown token", body, []string{"Authorization", "Bearer lockstep_AAAA"}, 401, "the token is not known"},
		{"with a token for one environment: payloads do not say of which they are", body, []string{"Authorization", "Bearer " + l.other}, 403, "needs the role reader on all environments"},
		{"from a page elsewhere", body, []string{"Authorization", "Bearer " + l.reader, "Origin", "http://evil.test"}, 403, "pages of http://evil.test may not use this codec server, only those of " + ui},
		{"from a page of no origin", body, []string{"Authorization", "Bearer " + l.reader, "Origin", "null"}, 403, "LOCKSTEP_CODEC_SERVER_ORIGINS"},
		{"with more than there can be", strings.Repeat(" ", maxBody+1), []string{"Authorization", "Bearer " + l.reader}, 413, "larger than 16 MiB"},
		{"with what is no list of payloads", `{"payload": 1}`, []string{"Authorization", "Bearer " + l.reader}, 400, "unknown field"},
		{"with what another key encrypted", unknown, []string{"Authorization", "Bearer " + l.reader}, 400, `it was encrypted with key "2019", and there are only ["one"]: add that key`},
	} {
		t.Run(c.holds, func(t *testing.T) {
			answer, said := ask(t, l.Client(), http.MethodPost, l.URL+"/decode", c.body, c.headers...)
			if answer.StatusCode != c.status || !strings.Contains(strings.ReplaceAll(said, `\"`, `"`), c.says) {
				t.Errorf("want %d %q, got %d %s", c.status, c.says, answer.StatusCode, said)
			}
			if strings.Contains(said, "plain text") {
				t.Error("it shows the text")
			}
		})
	}
}

func TestABrowserLearnsBeforehandWhatAPageMaySend(t *testing.T) {
	l := newLab(t)
	preflight := func(origin string) *http.Response {
		answer, _ := ask(t, l.Client(), http.MethodOptions, l.URL+"/decode", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-namespace")
		return answer
	}
	answer := preflight(ui)
	if answer.StatusCode != http.StatusNoContent || answer.Header.Get("Access-Control-Allow-Origin") != ui || answer.Header.Get("Vary") != "Origin" ||
		answer.Header.Get("Access-Control-Allow-Credentials") != "true" || answer.Header.Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("%d %v", answer.StatusCode, answer.Header)
	}
	for _, name := range []string{"Authorization", "Content-Type", "X-Namespace"} {
		if !strings.Contains(answer.Header.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("%s may not be sent", name)
		}
	}
	for _, origin := range []string{"http://localhost:8234", "https://localhost:8233", ui + ".evil.test"} {
		if answer := preflight(origin); answer.StatusCode != http.StatusForbidden || answer.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", origin, answer.StatusCode, answer.Header)
		}
	}
}

func TestWhoseUIHasNoLoginLogsInHere(t *testing.T) {
	l := newLab(t)
	browser := newBrowser(t)
	login := func(token, origin string) (*http.Response, string) {
		return ask(t, browser, http.MethodPost, l.URL+"/login", url.Values{"token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", origin)
	}
	decode := func() (*http.Response, string) {
		return ask(t, browser, http.MethodPost, l.URL+"/decode", sealed(t, l.codec, "the plain text"))
	}

	for range 50 { // a page of the UI asks for each payload
		if answer, said := decode(); answer.StatusCode != http.StatusUnauthorized {
			t.Fatalf("before: %d %s", answer.StatusCode, said)
		}
	}
	if answer, said := ask(t, browser, http.MethodGet, l.URL+"/login", ""); answer.StatusCode != http.StatusOK || !strings.Contains(said, "<form") {
		t.Errorf("the form: %d %s", answer.StatusCode, said)
	}
	if answer, _ := login(l.reader, "http://evil.test"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a page elsewhere logs in: %d", answer.StatusCode)
	}
	if answer, said := login(l.other, l.URL); answer.StatusCode != http.StatusForbidden || !strings.Contains(said, "needs the role reader") {
		t.Errorf("who may not: %d %s", answer.StatusCode, said)
	}
	answer, said := login(l.reader, l.URL)
	if answer.StatusCode != http.StatusOK || !strings.Contains(said, "Logged in") || strings.Contains(said, l.reader) {
		t.Fatalf("who may: %d %s", answer.StatusCode, said)
	}
	for _, cookie := range answer.Cookies() {
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path == "/" || cookie.Path == "" {
			t.Errorf("cookie %v", cookie)
		}
	}
	if answer, said := decode(); answer.StatusCode != http.StatusOK || plain(t, said) != "the plain text" {
		t.Errorf("after: %d %s", answer.StatusCode, said)
	}
}

func TestWithoutAGuardAnybodyReadsButNotFromAPageElsewhere(t *testing.T) {
	c := newCodec(t, "one")
	server := httptest.NewServer(Handler(Options{Codec: c, Origins: []string{ui}, Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	body := sealed(t, c, "the plain text")
	if answer, said := ask(t, server.Client(), http.MethodPost, server.URL+"/decode", body); answer.StatusCode != http.StatusOK || plain(t, said) != "the plain text" {
		t.Errorf("the UI: %d %s", answer.StatusCode, said)
	}
	if answer, _ := ask(t, server.Client(), http.MethodPost, server.URL+"/decode", body, "Origin", "http://rebound.test:8087"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("elsewhere: %d", answer.StatusCode)
	}
	if answer, _ := ask(t, server.Client(), http.MethodPost, server.URL+"/login", ""); answer.StatusCode == http.StatusOK {
		t.Errorf("there is a login: %d", answer.StatusCode)
	}
}

func TestWhatWasNeverEncryptedIsDecodedAsItIs(t *testing.T) {
	c := newCodec(t, "one")
	typed := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{"environment":"dev"}`)}
	server := httptest.NewServer(Handler(Options{Codec: c, Origins: []string{ui}, Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	decoded, err := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{Endpoint: server.URL}).Decode([]*commonpb.Payload{typed})
	if err != nil || !proto.Equal(decoded[0], typed) {
		t.Errorf("got %v, %v", decoded, err)
	}
}
