package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lockstep/internal/attributes"
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
