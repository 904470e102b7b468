// Package attributes sees to it that a Temporal namespace has search attributes of type Keyword.
package attributes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// Ensure registers those of the search attributes that the namespace does not know, and says which. Where that is not allowed, the error
// says what an administrator is to run.
func Ensure(ctx context.Context, c client.Client, namespace string, names []string) (added []string, err error) {
	missing, err := missingAttributes(ctx, c, namespace, names)
	if err != nil {
		return nil, fmt.Errorf("checking the search attributes of Temporal namespace %q: %w", namespace, err)
	}
	if len(missing) == 0 {
		return nil, nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if err != nil {
		return nil, fmt.Errorf("registering search attributes in Temporal namespace %q: %w; have its administrator run:\n%s", namespace, err, commands(missing, namespace))
	}
	return slices.Sorted(maps.Keys(missing)), nil
}

func missingAttributes(ctx context.Context, c client.Client, namespace string, names []string) (map[string]enumspb.IndexedValueType, error) {
	list, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return unqueryable(ctx, c, names)
	}
	return absent(list.GetCustomAttributes(), names)
}

// unqueryable tries queries, where the operator service is closed to users. The list that the frontend has for them
// (GetSearchAttributes) knows nothing of namespaces: on SQL stores it says Keyword01 and so on.
func unqueryable(ctx context.Context, c client.Client, names []string) (map[string]enumspb.IndexedValueType, error) {
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range names {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: name + " IS NULL"})
		var unknown *serviceerror.InvalidArgument
		switch {
		case errors.As(err, &unknown):
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		case err != nil:
			return nil, fmt.Errorf("querying by %s: %w; does the namespace exist, and may this client use it?", name, err)
		}
	}
	return missing, nil
}

// absent are the attributes to register. One of that name with another type cannot be mended: a workflow that sets it would hang.
func absent(known map[string]enumspb.IndexedValueType, names []string) (map[string]enumspb.IndexedValueType, error) {
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range names {
		kind, found := known[name]
		if found && kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
			return nil, fmt.Errorf("search attribute %s has type %s instead of Keyword: use a Temporal namespace of Lockstep's own (TEMPORAL_NAMESPACE)", name, kind)
		}
		if !found {
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		}
	}
	return missing, nil
}

func commands(missing map[string]enumspb.IndexedValueType, namespace string) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		lines = append(lines, fmt.Sprintf("  temporal operator search-attribute create --namespace %s --name %s --type Keyword", namespace, name))
	}
	return strings.Join(lines, "\n")
}
