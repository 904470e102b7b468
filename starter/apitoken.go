package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"lockstep/starter/api/auth"
)

func (c *cli) api() *cobra.Command {
	cmd := &cobra.Command{Use: "api", Short: "Work with access to the REST API"}
	cmd.AddCommand(c.apiToken())
	return cmd
}

// newToken is a token and the entry that lets it in, which holds only its SHA-256.
type newToken struct {
	Token string `json:"token"`
	Entry string `json:"entry"`
}

func (c *cli) apiToken() *cobra.Command {
	var name, role string
	var environments []string
	cmd := &cobra.Command{
		Use:   "token --name NAME --role ROLE --environments PATTERN,…",
		Short: "Make a token for the REST API, and its entry for the access file",
		Long: `Make a token for the REST API. It is shown once and stored nowhere: give it to the user now. Put the entry below it into the access file
(setting api.accessFile), below tokens:; the entry holds only the token's SHA-256.`,
		Example: `  lockstep api token --name ci --role operator --environments 'dev,test-*'`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token, entry, err := auth.NewToken(name, role, environments)
			if err != nil {
				return fail(exitBadInput, "making a token: %w", err)
			}
			if c.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(newToken{token, entry})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n# In the access file, below tokens:\n%s", token, entry)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what the audit log calls the token")
	cmd.Flags().StringVar(&role, "role", "", "reader, operator or admin")
	cmd.Flags().StringSliceVar(&environments, "environments", nil, "environments for this role: names, or patterns with * and ?")
	for _, flag := range []string{"name", "role", "environments"} {
		_ = cmd.MarkFlagRequired(flag)
	}
	return cmd
}
