package image

import (
	"context"
	"fmt"

	"lockstep/internal/failure"
)

// Resolve finds an image in its registry and gives it back by digest, under the name that the cluster knows. field is the
// setting that names it.
func (b *Builder) Resolve(ctx context.Context, field, reference string, plainHTTP []string) (string, error) {
	p, err := b.open(field, reference, plainHTTP)
	if err != nil {
		return "", err
	}
	state, err := p.head(ctx, p.ref())
	if err != nil {
		return "", err
	}
	if !state.Exists {
		return "", &failure.Error{Kind: failure.NotFound, Doing: "looking for " + reference, Cause: fmt.Errorf("%s does not have it", p.host),
			Next: "correct " + field + ", or put that image there"}
	}
	return p.pinned(state.Digest), nil
}
