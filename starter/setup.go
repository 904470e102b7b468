package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/internal/attributes"
	"lockstep/internal/rights"
	"lockstep/workflows/board"
)

func (c *cli) setup() *cobra.Command {
	cmd := &cobra.Command{
		Use: "setup", Short: "Register what operations need in the Temporal namespace; safe to repeat", Args: cobra.NoArgs,
		Long: `Register the search attributes of operations in the Temporal namespace (TEMPORAL_NAMESPACE). Existing ones stay. A worker with the
permission does the same when it starts; otherwise an administrator runs this.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			temporal, err := c.connect(cmd)
			if err != nil {
				return err
			}
			defer temporal.Close()
			added, err := attributes.Ensure(cmd.Context(), temporal, temporal.Namespace, board.Attributes())
			if err != nil {
				return &exit{code: exitNoTemporal, err: err}
			}
			if c.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"namespace": temporal.Namespace, "attributes": board.Attributes(), "added": append([]string{}, added...)})
			}
			if len(added) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "namespace %q has all search attributes already\n", temporal.Namespace)
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "registered %s in namespace %q\n", strings.Join(added, ", "), temporal.Namespace)
			return nil
		},
	}
	cmd.AddCommand(c.setupRBAC())
	return cmd
}

func (c *cli) setupRBAC() *cobra.Command {
	var name, account string
	var namespaces, authorities []string
	cmd := &cobra.Command{
		Use: "rbac", Short: "Print the service account and the roles that a worker needs on a cluster", Args: cobra.NoArgs,
		Long: `Print the service account that a worker uses on a cluster, with all the rights that operations need there and no others: a Role in the namespace
of each environment and in that of the gateway's controller, a ClusterRole, and their bindings. Without the rights to install the gateway, if the
cluster's file says gateway.install: false. It reads this machine's cluster files (setting clusters) and asks the cluster nothing.`,
		Example: "  lockstep setup rbac --cluster prod-eu --namespaces apim,apim-test | kubectl apply -f -",
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := c.settings(cmd)
			if err != nil {
				return err
			}
			known, err := clusters.Load(settings.Known())
			if err != nil {
				return &exit{code: exitBadInput, err: err}
			}
			found, err := known.Find(config.ClusterName(name))
			if err != nil {
				return &exit{code: exitBadInput, err: err}
			}
			of, err := accountOn(found, account, namespaces, authorities)
			if err != nil {
				return err
			}
			return printObjects(cmd.OutOrStdout(), of.Objects(), c.output == "json")
		},
	}
	cmd.Flags().StringVar(&name, "cluster", string(config.DefaultCluster), "the cluster, as environments name it")
	cmd.Flags().StringSliceVar(&namespaces, "namespaces", nil, "the namespaces of environments, separated by commas (default: those that the cluster's file allows by name, else "+config.DefaultNamespace+")")
	cmd.Flags().StringSliceVar(&authorities, "ca-namespaces", nil, "the namespaces that environments name in certificates.caNamespace; those that allow.caNamespaces of the cluster's file allows")
	cmd.Flags().StringVar(&account, "account", "lockstep/worker", "namespace and name of the service account")
	return cmd
}

// accountOn is the account for environments in those namespaces. A Role is of one namespace: none can be given for a pattern.
func accountOn(cluster clusters.Cluster, account string, namespaces, authorities []string) (rights.Account, error) {
	namespace, name, has := strings.Cut(account, "/")
	if !has || !config.IsName(namespace) || !config.IsName(name) {
		return rights.Account{}, fail(exitBadInput, "--account %q is no service account: write namespace and name, as lockstep/worker", account)
	}
	if len(namespaces) == 0 {
		namespaces = slices.DeleteFunc(slices.Clone(cluster.Allow.Namespaces), cluster.Allow.KeepsAuthorities)
		for _, pattern := range namespaces {
			if !config.IsName(pattern) {
				return rights.Account{}, fail(exitBadInput, "--namespaces is missing, and %s allows environments in %s: name the namespaces that there shall be, as --namespaces apim,apim-test",
					cluster.Where(), strings.Join(namespaces, ", "))
			}
		}
	}
	if len(namespaces) == 0 {
		namespaces = []string{config.DefaultNamespace}
	}
	if err := permitted(cluster, namespaces, authorities); err != nil {
		return rights.Account{}, err
	}
	return rights.Account{Cluster: cluster.Name, Controller: cluster.Gateway, Namespaces: namespaces, Authorities: authorities, Namespace: namespace, Name: name}, nil
}

// permitted fails if the cluster does not allow environments, or keys of CAs, in all of those namespaces.
func permitted(cluster clusters.Cluster, namespaces, authorities []string) error {
	for _, kind := range []struct {
		flag, what, list string
		names, listed    []string
		allows           func(string) bool
	}{
		{"--namespaces", "environments", "namespaces", namespaces, cluster.Allow.Namespaces, cluster.Allow.Namespace},
		{"--ca-namespaces", "keys of CAs", "caNamespaces", authorities, cluster.Allow.CANamespaces, cluster.Allow.CANamespace},
	} {
		for _, one := range kind.names {
			switch {
			case !config.IsName(one) || strings.HasPrefix(one, "kube-"):
				return fail(exitBadInput, "%s: %q is no name of a namespace for environments: write a DNS label of at most 63 characters that does not begin with kube-", kind.flag, one)
			case kind.flag == "--namespaces" && cluster.Allow.KeepsAuthorities(one):
				return fail(exitBadInput, "%s: %q is refused: cluster %q has it in allow.caNamespaces, for keys of CAs: write another one, or correct allow.caNamespaces in %s",
					kind.flag, one, cluster.Name, cluster.Where())
			case !kind.allows(one):
				return fail(exitBadInput, "%s: %q is refused: cluster %q allows %s in %s: write one of those, or add it to allow.%s in %s",
					kind.flag, one, cluster.Name, kind.what, cmp.Or(strings.Join(kind.listed, ", "), "none"), kind.list, cluster.Where())
			}
		}
	}
	return nil
}

// printObjects writes objects as kubectl takes them: a document each, or one list.
func printObjects(out io.Writer, objects []runtime.Object, asJSON bool) error {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}}
	for _, object := range objects {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return err
		}
		unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")
		delete(content, "status") // of a namespace
		delete(content, "spec")
		list.Items = append(list.Items, unstructured.Unstructured{Object: content})
	}
	if asJSON {
		return json.NewEncoder(out).Encode(list)
	}
	for _, object := range list.Items {
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
