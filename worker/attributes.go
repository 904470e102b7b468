package main

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
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/temporal"

	"lockstep/workflows"
)

// ensureSearchAttributes registers the search attributes that operations set. A workflow that sets one the namespace does not know
// would hang, so a worker does not start without them.
func ensureSearchAttributes(ctx context.Context, c client.Client) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return err
	}
	namespace := options.Namespace
	if namespace == "" {
		namespace = client.DefaultNamespace
	}
	missing, err := missingAttributes(ctx, c, namespace)
	if err != nil {
		return fmt.Errorf("checking the search attributes of Temporal namespace %q: %w", namespace, err)
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if err != nil {
		return fmt.Errorf("registering search attributes in Temporal namespace %q: %w; have its administrator run:\n%s", namespace, err, commands(missing, namespace))
	}
	return nil
}

func missingAttributes(ctx context.Context, c client.Client, namespace string) (map[string]enumspb.IndexedValueType, error) {
	list, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return unqueryable(ctx, c)
	}
	return absent(list.GetCustomAttributes())
}

// unqueryable tries queries, where the operator service is closed to users. The list that the frontend has for them
// (GetSearchAttributes) knows nothing of namespaces: on SQL stores it says Keyword01 and so on.
func unqueryable(ctx context.Context, c client.Client) (map[string]enumspb.IndexedValueType, error) {
	missing := map[string]enumspb.IndexedValueType{}
	for _, key := range attributes() {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: key.GetName() + " IS NULL"})
		var unknown *serviceerror.InvalidArgument
		switch {
		case errors.As(err, &unknown):
			missing[key.GetName()] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		case err != nil:
			return nil, fmt.Errorf("querying by %s: %w; does the namespace exist, and may this worker use it?", key.GetName(), err)
		}
	}
	return missing, nil
}

func attributes() []temporal.SearchAttributeKeyKeyword {
	return []temporal.SearchAttributeKeyKeyword{
		workflows.AttributeEnvironment, workflows.AttributeOperation, workflows.AttributePhase, workflows.AttributeOutcome,
	}
}

// absent are the attributes to register. One of that name with another type cannot be mended: a workflow that sets it would hang.
func absent(known map[string]enumspb.IndexedValueType) (map[string]enumspb.IndexedValueType, error) {
	missing := map[string]enumspb.IndexedValueType{}
	for _, key := range attributes() {
		kind, found := known[key.GetName()]
		if found && kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
			return nil, fmt.Errorf("search attribute %s has type %s instead of Keyword: use a Temporal namespace of Lockstep's own (TEMPORAL_NAMESPACE)", key.GetName(), kind)
		}
		if !found {
			missing[key.GetName()] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
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
