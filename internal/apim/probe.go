package apim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lockstep/internal/failure"
	"lockstep/internal/rest"
)

// Probe finds out whether keys can be generated with a key manager, with throw-away applications. Each failed attempt leaves a key
// mapping behind in its application, so each attempt gets a new one and removes it.
type Probe struct {
	Client  *Client
	Manager KeyManager
	// Name begins the names of the applications; a number follows.
	Name string
	// Explain says what an error means beyond what API Manager said. It may be nil.
	Explain func(context.Context, error) error

	attempts int
}

// refusals is how often in a row API Manager may refuse keys for good, for another reason than that it does not know the key
// manager yet: its components learn of it one after the other.
const refusals = 5

// UntilKnown tries until API Manager knows the key manager where it is used. It ends early when it is refused for good, or when
// a product cannot come back.
func (p *Probe) UntilKnown(ctx context.Context, progress func(string)) error {
	progress("waiting until API Manager knows the key manager")
	var last error // an attempt that runs out of time does not say why
	for refused := 0; ; {
		err := p.Once(ctx)
		if err == nil {
			return nil
		}
		switch said := p.explain(ctx, err); {
		case failure.IsRetryable(said) || rest.Code(err) == NotRegistered:
			refused = 0
		case failure.Is(said, failure.NotReady):
			return said
		default:
			if refused++; refused >= refusals {
				return p.unusable(failure.KindOf(said), err)
			}
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		progress(fmt.Sprintf("attempt %d to generate keys: %v", p.attempts, err))
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return p.unusable(failure.NotReady, last)
		case <-time.After(time.Second):
		}
	}
}

func (p *Probe) explain(ctx context.Context, err error) error {
	if p.Explain == nil {
		return err
	}
	return p.Explain(ctx, err)
}

func (p *Probe) unusable(kind failure.Kind, why error) error {
	if refusal := rest.Refusal(why); refusal != nil {
		why = refusal // without its own next move
	}
	return &failure.Error{Kind: kind, Cause: fmt.Errorf("key manager %q is registered but cannot generate keys: %w", p.Manager.Name(), why),
		Next: fmt.Sprintf("look at API Manager's log, and whether its pods reach %v", p.Manager["clientRegistrationEndpoint"])}
}

// NotRegistered is API Manager's code for a key manager that is stored but not yet known where it is used (carbon-apimgt,
// ExceptionCodes).
const NotRegistered = "901403"

// UntilHeardOf tries until API Manager knows the key manager, whether or not that can generate keys: in the middle of an Undo,
// Identity Server may not be back yet.
func (p *Probe) UntilHeardOf(ctx context.Context, progress func(string)) error {
	progress("waiting until API Manager knows the key manager again")
	for rest.Code(p.Once(ctx)) == NotRegistered {
		select {
		case <-ctx.Done():
			return p.unheardOf(ctx.Err())
		case <-time.After(time.Second):
		}
	}
	return p.unheardOf(ctx.Err()) // a call that was cut off is no answer
}

// unheardOf says what it means that the time was over. Another attempt would wait as long again.
func (p *Probe) unheardOf(ended error) error {
	if !errors.Is(ended, context.DeadlineExceeded) {
		return ended
	}
	return &failure.Error{Kind: failure.NotReady, Next: "look at API Manager's log, restart its pods, and generate keys with this key manager in the Developer Portal",
		Cause: fmt.Errorf("key manager %q has its prior state again, but API Manager cannot generate keys with it yet", p.Manager.Name())}
}

// Once tries once.
func (p *Probe) Once(ctx context.Context) error {
	app, err := p.application(ctx)
	if err != nil {
		return err
	}
	_, err = p.Client.GenerateKeys(ctx, app, p.Manager.ID())
	clean := p.Client.DeleteApplication(context.WithoutCancel(ctx), app)
	if err != nil {
		return err
	}
	return clean
}

// maxTaken bounds the names that are tried when all are taken.
const maxTaken = 10

// application makes one of a name that is free: a name that is taken says nothing about keys.
func (p *Probe) application(ctx context.Context) (id string, err error) {
	for range maxTaken {
		p.attempts++
		id, err = p.Client.CreateApplication(ctx, fmt.Sprintf("%s-%d", p.Name, p.attempts))
		if rest.Status(err) != http.StatusConflict {
			break
		}
	}
	return id, err
}
