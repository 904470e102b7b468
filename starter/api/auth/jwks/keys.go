package jwks

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"lockstep/starter/api/auth/denial"
)

const (
	// Fresh is how long keys are used without asking: a key that the issuer withdraws is good for as long.
	Fresh = 15 * time.Minute
	// Stale is how long keys are used while the issuer does not answer.
	Stale = 24 * time.Hour
	// Pause is the time between two questions to the issuer, however many tokens name keys that nobody knows.
	Pause = 10 * time.Second
)

// Keys are those that an issuer signs tokens with. They are asked for when a token needs one, so a server starts while its
// issuer is down. The key set of go-oidc would not do: it asks anew for each token with an unknown key, never forgets a key
// that was withdrawn, and its verifier does not tell an issuer that is down from a bad signature.
type Keys struct {
	issuer string
	// Client asks the issuer; its timeout is for one answer.
	Client *http.Client
	log    *slog.Logger
	now    func() time.Time
	asking singleflight.Group

	mu      sync.Mutex
	known   map[string]jose.JSONWebKey // by id
	fetched time.Time                  // when known was
	asked   time.Time                  // when the issuer was asked last
	failed  bool                       // whether it gave no answer then
}

// Find is the public key of that id, for that algorithm.
func (k *Keys) Find(ctx context.Context, id, algorithm string) (any, error) {
	key, found, age, failed := k.lookUp(id)
	if !found || age > Fresh {
		answer := k.refresh(ctx)
		if !found || age > Stale || !failed { // else nobody waits for an issuer that did not answer before
			if err := k.wait(ctx, answer); err != nil {
				return nil, err
			}
			key, found, age, failed = k.lookUp(id)
		}
		if failed && (!found || age > Stale) {
			return nil, denial.Unavailable(Pause, "the keys of the token's issuer %s cannot be fetched; try again later, or use a token of the access file", k.issuer)
		}
	}
	if !found {
		return nil, denial.Invalid("the token is signed with a key that %s does not publish; ask that issuer for another token", k.issuer)
	}
	if key.Algorithm != "" && key.Algorithm != algorithm {
		return nil, denial.Invalid("the token's algorithm does not match its key; ask %s for another token", k.issuer)
	}
	return key.Key, nil
}

// lookUp is a known key, how long ago it was published, and whether the issuer gave no answer when it was asked last. A
// token may leave its key's id out if there is only one.
func (k *Keys) lookUp(id string) (key jose.JSONWebKey, found bool, age time.Duration, failed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age = k.now().Sub(k.fetched)
	if id == "" && len(k.known) == 1 {
		for _, only := range k.known {
			return only, true, age, k.failed
		}
	}
	key, found = k.known[id]
	return key, found, age, k.failed
}

// refresh asks the issuer, unless that was done just now. All who ask share the answer; it is fetched to the end even if the
// one who asked first has gone.
func (k *Keys) refresh(ctx context.Context) <-chan singleflight.Result {
	return k.asking.DoChan("", func() (any, error) {
		if k.askedJustNow() {
			return nil, nil
		}
		known, err := fetch(context.WithoutCancel(ctx), k.Client, k.issuer)
		if err != nil {
			k.log.Warn("The issuer's keys could not be fetched: known keys stay in use", "issuer", k.issuer, "error", err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.asked, k.failed = k.now(), err != nil
		if err == nil {
			k.known, k.fetched = known, k.asked
		}
		return nil, nil
	})
}

func (k *Keys) askedJustNow() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now().Sub(k.asked) < Pause
}

func (k *Keys) wait(ctx context.Context, answer <-chan singleflight.Result) error {
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		return denial.Unavailable(Pause, "the request ended before the issuer %s sent its keys; try again", k.issuer)
	}
}
