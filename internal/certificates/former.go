package certificates

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/keystore"
	"lockstep/internal/objects"
)

// Earlier versions of Lockstep kept one certificate for all listeners, in [config.FormerListenerSecret]. A deployment or rotation gives each
// listener its own, and once it has ended well the former goes.

// CheckFormer fails if the listeners use the former Secret, or there are none yet and it is there, and what is in it is not Lockstep's: the
// listeners' own certificates would replace one that somebody chose.
func (s Store) CheckFormer(ctx context.Context) error {
	if s.Env.Certificates.GatewayTLS != "" {
		return nil
	}
	live, found, err := s.Cluster.Get(ctx, gateway.Ref(s.Env))
	if err != nil || found && !gateway.Uses(live, config.FormerListenerSecret) {
		return err
	}
	secret := objects.Secret(s.Env, config.FormerListenerSecret)
	former, found, err := s.Cluster.Get(ctx, secret)
	if err != nil || !found {
		return err
	}
	minted, known, err := s.minted(ctx)
	if err != nil || (minted || !known) && former.GetLabels()[cluster.ManagedByLabel] == cluster.ManagedBy {
		return err
	}
	return failure.Final(failure.Conflict, "%s is for the listeners, Lockstep did not make the certificate in it, and each listener would get one of Lockstep's own. Next: to keep "+
		"that one, name its Secret in certificates.gatewayTLS; to have certificates minted, delete it and run `lockstep deploy`", secret)
}

// minted says whether the environment's CA signed the former certificate. If it is not known, there is nothing to tell by.
func (s Store) minted(ctx context.Context) (minted, known bool, err error) {
	data, _, err := s.Cluster.Secret(ctx, s.Env.Namespace, config.FormerListenerSecret)
	if err != nil {
		return false, false, err
	}
	public, known, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	return keystore.SignedBy([]byte(public[keystore.CAKey]), data[corev1.TLSCertKey]), known, err
}

// former says whether there is a former Secret.
func (s Store) former(ctx context.Context) (bool, error) {
	_, found, err := s.Cluster.Secret(ctx, s.Env.Namespace, config.FormerListenerSecret)
	return found, err
}

// Part mints the listeners' own certificates where they are missing beside the former one. Then a worker of an earlier version made the
// certificates of an operation, and the listeners that are applied next would refer to Secrets that nobody made.
func (s Store) Part(ctx context.Context) error {
	if s.Env.Certificates.GatewayTLS != "" {
		return nil
	}
	shared, err := s.former(ctx)
	if err != nil || !shared {
		return err
	}
	var missing []keystore.Store
	for _, store := range keystore.Listeners(s.Env) {
		_, found, err := s.Cluster.Secret(ctx, s.Env.Namespace, store.Secret)
		if err != nil {
			return err
		}
		if !found {
			missing = append(missing, store)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := s.CheckFormer(ctx); err != nil {
		return err
	}
	ca, err := s.signing(ctx)
	if err != nil {
		return err
	}
	for _, store := range missing {
		data, err := s.renewed(ca, store, nil)
		if err != nil {
			return err
		}
		if _, err := s.Cluster.CreateSecret(ctx, s.Env.Namespace, store.Secret, store.Type, cluster.Labels(s.Env.Name), data); err != nil {
			return err
		}
	}
	return nil
}

// Unseen are the listeners' own Secrets that a snapshot of the certificates does not know, as a worker of an earlier version took it: the
// operation made them. One that the Gateway uses is not among them.
func (s Store) Unseen(ctx context.Context, before []cluster.Snapshot) (unseen []cluster.Ref, err error) {
	knows := func(secret string) bool {
		ref := objects.Secret(s.Env, secret)
		return slices.ContainsFunc(before, func(b cluster.Snapshot) bool { return b.Ref.String() == ref.String() })
	}
	if s.Env.Certificates.GatewayTLS != "" || !knows(config.FormerListenerSecret) {
		return nil, nil
	}
	live, found, err := s.Cluster.Get(ctx, gateway.Ref(s.Env))
	if err != nil {
		return nil, err
	}
	for _, secret := range s.Env.ListenerSecrets() {
		if !knows(secret) && !(found && gateway.Uses(live, secret)) {
			unseen = append(unseen, objects.Secret(s.Env, secret))
		}
	}
	return unseen, nil
}

// separate has the listeners that share the former Secret use their own.
func (s Store) separate(ctx context.Context) error {
	_, err := s.refer(ctx, gateway.Separate)
	return err
}

// share undoes separate, if this run made the listeners' own Secrets.
func (s Store) share(ctx context.Context, run string) (changed bool, err error) {
	for _, secret := range s.Env.ListenerSecrets() {
		made, err := s.Cluster.MadeBy(ctx, s.Env.Namespace, secret, run)
		if err != nil {
			return false, err
		}
		if made {
			return s.refer(ctx, gateway.Share)
		}
	}
	return false, nil
}

// refer changes to which Secrets the environment's live Gateway refers, and nothing else of it.
func (s Store) refer(ctx context.Context, change func(config.Environment, *unstructured.Unstructured) bool) (changed bool, err error) {
	ref := gateway.Ref(s.Env)
	live, found, err := s.Cluster.Get(ctx, ref)
	if err != nil || !found || live.GetLabels()[cluster.EnvironmentLabel] != s.Env.Name || !change(s.Env, live) {
		return false, err
	}
	listeners, _, _ := unstructured.NestedSlice(live.Object, "spec", "listeners")
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": live.GetResourceVersion()}, // what somebody changed meanwhile is not lost
		"spec":     map[string]any{"listeners": listeners},
	})
	if err != nil {
		return false, failure.Final(failure.Internal, "encoding the listeners of %s: %w", ref, err)
	}
	resource, err := s.Cluster.Resource(ref.GVK(), ref.Namespace)
	if err == nil {
		_, err = resource.Patch(ctx, ref.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: cluster.FieldManager})
	}
	return err == nil, cluster.Classify("changing the certificates of "+ref.String(), err)
}

// Tidy removes the listeners' Secrets that Lockstep made and the environment does not use any more: the former one, or those of the listeners
// once the user brought a certificate. One that the Gateway still uses stays, and so does a former one with a certificate of somebody else's,
// of which a warning tells.
func (s Store) Tidy(ctx context.Context) (warnings []string, err error) {
	own := s.Env
	own.Certificates.GatewayTLS = ""
	var gone []cluster.Ref
	for _, secret := range append(own.ListenerSecrets(), config.FormerListenerSecret) {
		if ref := objects.Secret(s.Env, secret); !slices.Contains(s.Env.ListenerSecrets(), secret) && !objects.Brought(ref, s.Env) {
			gone = append(gone, ref)
		}
	}
	live, found, err := s.Cluster.Get(ctx, gateway.Ref(s.Env))
	if err != nil {
		return nil, err
	}
	if found {
		gone = slices.DeleteFunc(gone, func(ref cluster.Ref) bool { return gateway.Uses(live, ref.Name) })
	}
	if i := slices.Index(gone, objects.Secret(s.Env, config.FormerListenerSecret)); i >= 0 {
		left, err := s.leave(ctx)
		if err != nil {
			return nil, err
		}
		if left != "" {
			gone, warnings = slices.Delete(gone, i, i+1), []string{left}
		}
	}
	if err := s.Cluster.Delete(ctx, gone...); err != nil {
		return warnings, err
	}
	return warnings, s.Cluster.ForgetSecret(ctx, s.Env.Namespace, config.FormerListenerSecret) // of a rotation by an earlier version
}

// leave takes Lockstep's labels off the former Secret if somebody put a certificate of their own into it, and says so: neither this operation
// nor a later one removes it, nor the namespace with it.
func (s Store) leave(ctx context.Context) (left string, err error) {
	secret := objects.Secret(s.Env, config.FormerListenerSecret)
	former, found, err := s.Cluster.Get(ctx, secret)
	if err != nil || !found || former.GetLabels()[cluster.EnvironmentLabel] != s.Env.Name {
		return "", err
	}
	minted, _, err := s.minted(ctx)
	if err != nil || minted {
		return "", err
	}
	return fmt.Sprintf("%s stays, without Lockstep's labels: the environment's CA did not sign the certificate in it. Next: delete it if nobody needs it; to have the listeners "+
		"use it, name it in certificates.gatewayTLS", secret), s.Cluster.DisownSecret(ctx, secret.Namespace, secret.Name)
}
