// Command sandbox runs a local stand-in for a cluster: a real Kubernetes control plane, a real Temporal dev server, a
// registry with charts and images, and a node that runs simulated products.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:           "sandbox",
		Short:         "A local stand-in for a Kubernetes cluster with Temporal, registry and simulated WSO2 products",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", ".sandbox", "folder of the sandbox's state, data and logs")
	cmd.AddCommand(up(&dir), down(&dir), status(&dir), env(&dir), gateway(&dir), serve(&dir), first(&dir), simulated(), contained())
	return cmd
}
