package auth

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

const twoASecond = "limits: {requestsPerSecond: 2, failuresPerMinute: 3}\n"

func TestACallerWhoAsksTooOftenWaitsAndNobodyElseDoes(t *testing.T) {
	g := newGate(t, tokensFile(twoASecond))
	for range 10 { // five times as many at once
		lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	}
	w := g.ask(ciToken, nil)
	refuses(t, w, 429, `token "ci" sends more than 2 requests a second`)
	if got := w.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After: %s", got)
	}
	lets(t, g.ask(readerToken, nil), `token "dashboard" reader`)
	g.clock.pass(500 * time.Millisecond)
	lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	refuses(t, g.ask(ciToken, nil), 429, "sends more than")
}

func TestLimitsGoOnWhenOtherPartsOfTheFileChange(t *testing.T) {
	g := newGate(t, tokensFile("limits: {requestsPerSecond: 1}\n"))
	for range 5 {
		g.ask(ciToken, nil)
	}
	g.write(tokensFile(tokenEntry("more", "more", "reader", "*"), "limits: {requestsPerSecond: 1}\n"))
	g.clock.pass(time.Second)
	lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	refuses(t, g.ask(ciToken, nil), 429, "sends more than")
	lets(t, g.ask("more", nil), `token "more" reader`)
}

func TestAfterTooManyFailuresFromAnAddressNoUnknownTokenIsLookedAt(t *testing.T) {
	g := newGate(t, tokensFile(twoASecond))
	lets(t, g.ask(readerToken, from("192.0.2.1:1")), `token "dashboard" reader`)
	for i := range 3 {
		refuses(t, g.ask(fmt.Sprintf("guess-%d", i), from("192.0.2.1:2")), 401, "is not known")
	}
	w := g.ask("guess-4", from("192.0.2.1:3"))
	refuses(t, w, 429, "too many authentications from 192.0.2.1 failed")
	if wait, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || wait != 20 {
		t.Errorf("Retry-After: %s", w.Header().Get("Retry-After"))
	}
	refuses(t, g.ask(ciToken, from("192.0.2.1:4")), 429, "too many")
	lets(t, g.ask(readerToken, from("192.0.2.1:5")), `token "dashboard" reader`) // it was good before
	lets(t, g.ask(ciToken, from("192.0.2.2:1")), `token "ci" operator`)
	g.clock.pass(20 * time.Second)
	lets(t, g.ask(ciToken, from("192.0.2.1:4")), `token "ci" operator`)
}

func TestRequestsWithoutATokenLockNobodyOut(t *testing.T) {
	g := newGate(t, tokensFile(twoASecond))
	for range 20 {
		refuses(t, g.ask("", from("192.0.2.1:1")), 401, "the request has no token")
	}
	lets(t, g.ask(ciToken, from("192.0.2.1:2")), `token "ci" operator`)
}

func TestFailuresFromOneIPv6NetworkCountTogether(t *testing.T) {
	g := newGate(t, tokensFile(twoASecond))
	for i := range 3 {
		refuses(t, g.ask("guess", from(fmt.Sprintf("[2001:db8::%d]:1", i))), 401, "is not known")
	}
	refuses(t, g.ask("guess", from("[2001:db8::ffff]:1")), 429, "from 2001:db8::ffff")
	refuses(t, g.ask("guess", from("[2001:db8:0:1::1]:1")), 401, "is not known")
}

func TestARequestIsFromWhereTheLastTrustedProxySays(t *testing.T) {
	g := newGate(t, tokensFile("trustedProxies: [10.0.0.0/8, \"fd00::/8\", 192.0.2.9]\n"))
	for _, test := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "198.51.100.1:1", nil, "198.51.100.1"},
		{"a stranger who claims another address", "198.51.100.1:1", []string{"203.0.113.1"}, "198.51.100.1"},
		{"a proxy", "10.0.0.1:1", []string{"203.0.113.1"}, "203.0.113.1"},
		{"a proxy behind a proxy", "10.0.0.1:1", []string{"203.0.113.1, 192.0.2.9"}, "203.0.113.1"},
		{"in two headers", "10.0.0.1:1", []string{"203.0.113.1", "10.2.3.4"}, "203.0.113.1"},
		{"a client that wrote the header too", "10.0.0.1:1", []string{"1.1.1.1, 203.0.113.1"}, "203.0.113.1"},
		{"a proxy that says nothing", "10.0.0.1:1", nil, "10.0.0.1"},
		{"a proxy that says nonsense", "10.0.0.1:1", []string{"unknown"}, "10.0.0.1"},
		{"only proxies", "10.0.0.1:1", []string{"10.0.0.2"}, "10.0.0.2"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
		{"IPv6", "[fd00::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"with the client's port", "10.0.0.1:1", []string{"203.0.113.1:4711"}, "203.0.113.1"},
		{"IPv6 with the client's port", "10.0.0.1:1", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"a proxy with its port", "10.0.0.1:1", []string{"203.0.113.1:1, 192.0.2.9:2"}, "203.0.113.1"},
		{"a peer without address", "@", []string{"203.0.113.1"}, "@"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.RemoteAddr = test.peer
			r.Header["X-Forwarded-For"] = test.forwarded
			if got := origin(r, g.current().proxies); got != test.want {
				t.Errorf("from %s, want %s", got, test.want)
			}
		})
	}
}
