package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"lockstep/internal/failure"
)

const crdPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

// errUnlisted is for a kind that has a CustomResourceDefinition and is not in the server's list of kinds.
var errUnlisted = errors.New("the API server does not list this kind, though it is defined")

// unlisted says whether the API server only does not list a kind yet, as for a moment after its start: a
// CustomResourceDefinition of the kind is there, or nobody knows. Without this, every object of the kind would look
// absent, and Undo would later delete what was there before. A worker that may not read CustomResourceDefinitions has
// to believe the list.
func unlisted(server rest.Interface, gk schema.GroupKind, versions []string) error {
	if !strings.Contains(gk.Group, ".") {
		return nil // such groups are the server's own
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defined, err := defines(ctx, server, gk, versions)
	if defined {
		err = errUnlisted
	}
	if err == nil || apierrors.IsForbidden(err) {
		return nil
	}
	return &failure.Error{Kind: failure.Unavailable, Doing: "looking for the kind " + gk.String(), Cause: err,
		Next: unhealthy, Retryable: true}
}

// defines says whether a CustomResourceDefinition is for that kind. It goes by the usual plural, since all definitions
// together are megabytes, and to read one takes fewer rights than to list all.
func defines(ctx context.Context, server rest.Interface, gk schema.GroupKind, versions []string) (bool, error) {
	plural, _ := meta.UnsafeGuessKindToResource(gk.WithVersion(""))
	text, err := server.Get().AbsPath(crdPath, plural.Resource+"."+gk.Group).Do(ctx).Raw()
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	var crd apiextensions.CustomResourceDefinition
	if err == nil {
		err = json.Unmarshal(text, &crd)
	}
	return err == nil && crd.Spec.Names.Kind == gk.Kind && servesAny(crd, versions), err
}

func servesAny(crd apiextensions.CustomResourceDefinition, versions []string) bool {
	return slices.ContainsFunc(crd.Spec.Versions, func(v apiextensions.CustomResourceDefinitionVersion) bool {
		return v.Served && (len(versions) == 0 || slices.Contains(versions, v.Name))
	})
}
