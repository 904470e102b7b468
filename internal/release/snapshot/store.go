package snapshot

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"lockstep/internal/failure"
	"lockstep/internal/prior"
	"lockstep/internal/release/history"
)

// Store keeps snapshots in Secrets of a release's namespace: one for each release and owner, since environments share releases. It holds
// what Secrets hold, so it is one.
type Store struct{ secrets prior.Store }

// NewStore makes a store in a namespace.
func NewStore(secrets typed.SecretInterface) *Store {
	return &Store{prior.Store{Secrets: secrets, Mark: "lockstep.dev/run"}}
}

// Key says whose snapshot it is.
type Key struct{ Release, Owner, Run string }

// Secret is the name of the Secret that a snapshot is in.
func (k Key) Secret() string {
	return strings.TrimSuffix("lockstep.former."+k.Release+"."+k.Owner, ".") // a release may be nobody's
}

const objectsKey = "objects" // of the Secret's data: JSON, packed

// Read gives what the run kept; the zero value if it kept nothing yet.
func (s *Store) Read(ctx context.Context, k Key) (Snapshot, error) {
	secret, ofRun, err := s.secrets.Read(ctx, k.Secret(), k.Run)
	if err != nil || !ofRun {
		return Snapshot{kept: secret}, err
	}
	all := Snapshot{kept: secret}
	if err := prior.Unpack(secret.Data[objectsKey], &all.objects); err != nil {
		e := failure.Final(failure.InvalidConfig, "reading Secret %s: %w", secret.Name, err)
		e.Next = "delete that Secret, and undo by hand"
		return Snapshot{}, e
	}
	return all, nil
}

// Keep writes a snapshot, unless another attempt has done so since it was read.
func (s *Store) Keep(ctx context.Context, k Key, all Snapshot) (Snapshot, error) {
	packed, err := prior.Pack(all.objects)
	if err != nil {
		return all, err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: k.Secret(), Labels: map[string]string{"app.kubernetes.io/managed-by": "lockstep", history.OwnerLabel: k.Owner}},
		Type:       "lockstep.dev/former", Data: map[string][]byte{objectsKey: packed},
	}
	all.kept, err = s.secrets.Keep(ctx, k.Run, secret, all.kept)
	return all, err
}

// Forget removes what runs of the owner kept.
func (s *Store) Forget(ctx context.Context, k Key) error { return s.secrets.Forget(ctx, k.Secret()) }
