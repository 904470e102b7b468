package shared

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	typed "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// The Lease that is the register. It lies in the namespace that every cluster has and nobody removes.
const (
	Namespace = metav1.NamespaceDefault
	Name      = "lockstep-shared-gateway"
)

// usePrefix starts the annotations of the Lease; the environment's name follows.
const usePrefix = "uses.lockstep.dev/"

// Register keeps on the cluster who uses what is shared. Every change of it is one write that fails if somebody else was faster.
type Register struct {
	Leases typed.LeaseInterface
	// Every is how often it is looked at while somebody else removes things. Default 500 ms.
	Every time.Duration
	// Stale is how long a remover may not be heard of until it counts as dead. Default one minute.
	Stale time.Duration
}

// ending is how long the end of a removal may take to be written; if it is not, the next attempt writes it.
const ending = 10 * time.Second

// String is what a person reads.
func (Register) String() string { return "Lease " + Namespace + "/" + Name }

func (r Register) every() time.Duration { return orDefault(r.Every, 500*time.Millisecond) }
func (r Register) stale() time.Duration { return orDefault(r.Stale, time.Minute) }

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Begin makes an environment a user before it needs anything. While somebody removes what is shared it waits. look says what is missing;
// nobody begins or ends between that and the entry.
func (r Register) Begin(ctx context.Context, environment string, use Use, look func(context.Context) (Brought, error), progress func(string)) error {
	if lease, err := r.read(ctx); err == nil {
		if b, err := bookOf(lease); err == nil && b.has(environment, use) {
			return nil // whoever removes things knows of it
		}
	}
	return r.change(ctx, identity(environment, use.Run), progress, func(b *book) (bool, error) {
		if was, known := b.uses[environment]; known && !was.Left {
			return b.begin(environment, use, Brought{}), nil
		}
		found, err := look(ctx)
		return err == nil && b.begin(environment, use, found), err
	})
}

// Standing is an environment among the users.
type Standing struct {
	Own    *Use // nil if it is none
	Others map[string]Use
}

// Users are the others for which uses holds, as messages name them.
func (s Standing) Users(uses func(Use) bool) (names []string) {
	for _, name := range (book{uses: s.Others}).others("", uses) {
		names = append(names, fmt.Sprintf("environment %q", name))
	}
	return names
}

// Alone has f remove things while nobody begins to use them. f decides by who else uses them, and says what becomes of the environment;
// after an error it stays what it was. Its context ends if the register could not be kept.
func (r Register) Alone(ctx context.Context, environment, run string, progress func(string), f func(context.Context, Standing) (Fate, error)) error {
	who := identity(environment, run)
	var standing Standing
	err := r.change(ctx, who, progress, func(b *book) (bool, error) {
		standing = standingOf(*b, environment)
		b.remover = who
		return true, nil
	})
	if err != nil {
		return err
	}
	fate := Stays
	kept, stop := r.keep(ctx, who)
	fate, err = f(kept, standing)
	lost := context.Cause(kept)
	stop()
	if err == nil && lost != nil && ctx.Err() == nil {
		err = lost
	}
	if err != nil {
		fate = Stays
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending)
	defer cancel()
	ended := r.change(after, who, progress, func(b *book) (bool, error) {
		if b.remover != who {
			return false, b.taken(environment, fate)
		}
		b.end(environment, fate)
		return true, nil
	})
	return failure.JoinTransient(err, ended)
}

// taken is the failure of a removal of which somebody thought that it was dead, unless what is to follow it stands there: then the answer to
// the write was lost.
func (b book) taken(environment string, fate Fate) error {
	use, known := b.uses[environment]
	if fate == Stays || !known || fate == Left && use.Left {
		return nil
	}
	return failure.Transient(failure.Conflict, "Lease %s/%s was taken over by another operation, because this one gave no sign of life for too long. "+
		"Environment %q still counts as a user of the gateway; another attempt ends that", Namespace, Name, environment)
}

func standingOf(b book, environment string) Standing {
	s := Standing{Others: maps.Clone(b.uses)}
	if use, known := s.Others[environment]; known {
		s.Own = &use
		delete(s.Others, environment)
	}
	return s
}

func identity(environment, run string) string { return environment + "/" + run }

// change has edit change the book as long as somebody else was faster, and as soon as nobody else removes things.
func (r Register) change(ctx context.Context, who string, progress func(string), edit func(*book) (changed bool, err error)) error {
	var seen watched
	err := wait.PollUntilContextCancel(ctx, r.every(), true, func(ctx context.Context) (bool, error) {
		lease, err := r.read(ctx)
		if err != nil {
			return false, err
		}
		b, err := bookOf(lease)
		if err != nil {
			return false, err
		}
		if b.busy(who) {
			if !seen.dead(lease, r.stale()) {
				progress("waiting until environment " + strings.SplitN(b.remover, "/", 2)[0] + " has removed its part of what is shared")
				return false, nil
			}
			b.remover = ""
		}
		changed, err := edit(&b)
		if err != nil || !changed {
			return err == nil, err
		}
		err = r.write(ctx, lease, b)
		if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) {
			return false, nil // somebody was faster
		}
		return err == nil, err
	})
	return cluster.Classify("keeping in "+r.String()+" who uses the gateway", err)
}

// watched is how long the Lease has not changed, by the clock of who looks: clocks of machines differ.
type watched struct {
	version string
	since   time.Time
}

func (w *watched) dead(lease *coordination.Lease, after time.Duration) bool {
	if w.version != lease.ResourceVersion {
		w.version, w.since = lease.ResourceVersion, time.Now()
	}
	return time.Since(w.since) > after
}

// read gives an empty Lease if there is none.
func (r Register) read(ctx context.Context) (*coordination.Lease, error) {
	lease, err := r.Leases.Get(ctx, Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return &coordination.Lease{ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: map[string]string{cluster.ManagedByLabel: cluster.ManagedBy}}}, nil
	}
	return lease, err
}

func (r Register) write(ctx context.Context, lease *coordination.Lease, b book) error {
	if b.empty() {
		if lease.ResourceVersion == "" {
			return nil
		}
		return r.Leases.Delete(ctx, Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &lease.UID, ResourceVersion: &lease.ResourceVersion}})
	}
	if err := b.into(lease); err != nil {
		return err
	}
	if lease.ResourceVersion == "" {
		_, err := r.Leases.Create(ctx, lease, metav1.CreateOptions{FieldManager: cluster.FieldManager})
		return err
	}
	_, err := r.Leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: cluster.FieldManager})
	return err
}

func bookOf(lease *coordination.Lease) (book, error) {
	b := book{uses: map[string]Use{}}
	if lease.Spec.HolderIdentity != nil {
		b.remover = *lease.Spec.HolderIdentity
	}
	for key, text := range lease.Annotations {
		environment, is := strings.CutPrefix(key, usePrefix)
		if !is {
			continue
		}
		var use Use
		if err := json.Unmarshal([]byte(text), &use); err != nil {
			return b, failure.Final(failure.Conflict, "annotation %s of Lease %s/%s cannot be read: %w. Next: remove the annotation; a deployment of the environment writes it again",
				key, Namespace, Name, err)
		}
		b.uses[environment] = use
	}
	return b, nil
}

func (b book) into(lease *coordination.Lease) error {
	maps.DeleteFunc(lease.Annotations, func(key, _ string) bool { return strings.HasPrefix(key, usePrefix) })
	for environment, use := range b.uses {
		text, err := json.Marshal(use)
		if err != nil {
			return err
		}
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, usePrefix+environment, string(text))
	}
	lease.Spec.HolderIdentity, lease.Spec.RenewTime = nil, nil
	if b.remover != "" {
		now := metav1.NowMicro()
		lease.Spec.HolderIdentity, lease.Spec.RenewTime = &b.remover, &now
	}
	return nil
}

// keep says again and again that the remover is alive. The context that it gives ends before others take it for dead.
func (r Register) keep(ctx context.Context, who string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		last := time.Now()
		wait.UntilWithContext(ctx, func(ctx context.Context) {
			err := r.renew(ctx, who)
			switch {
			case err == nil:
				last = time.Now()
			case failure.Is(err, failure.Conflict) || time.Since(last) > r.stale()/2:
				cancel(err)
			}
		}, r.stale()/6)
	}()
	return ctx, func() { cancel(nil); <-done }
}

func (r Register) renew(ctx context.Context, who string) error {
	lease, err := r.read(ctx)
	if err != nil {
		return err
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity != who {
		return failure.Transient(failure.Conflict, "Lease %s/%s names another operation as the one that removes: this attempt gave no sign of life for too long", Namespace, Name)
	}
	now := metav1.NowMicro()
	lease.Spec.RenewTime = &now
	_, err = r.Leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: cluster.FieldManager})
	return err
}
