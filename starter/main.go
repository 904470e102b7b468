// Command lockstep starts and watches operations on environments.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"lockstep/config/settings"
	"lockstep/starter/display"
	"lockstep/starter/operations"
)

// Exit codes.
const (
	exitDone       = 0
	exitFailed     = 1   // failed; what the run did is still there, all or in part
	exitBadInput   = 2   // file, flags or settings are wrong; nothing was started or decided
	exitRolledBack = 3   // failed or cancelled; all that the run did is undone
	exitBusy       = 4   // another operation runs on the environment
	exitNoTemporal = 5   // Temporal or a worker does not answer; nothing is known
	exitNothing    = 6   // a teardown found nothing of the environment; nothing was changed
	exitDrifted    = 7   // what is there is not as the file says; nothing was changed
	exitDetached   = 130 // Ctrl-C: the operation goes on
)

// exit is an error with its exit code. Quiet ones have been shown already.
type exit struct {
	code  int
	err   error
	quiet bool
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

func fail(code int, format string, args ...any) error {
	return &exit{code: code, err: fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stdout, stderr = display.Cleaned(stdout), display.Cleaned(stderr)
	root := root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	var e *exit
	var asked *operations.Error
	switch {
	case errors.As(err, &e):
	case errors.As(err, &asked):
		e = &exit{code: codeOf(asked.Kind), err: err}
	default:
		e = &exit{code: exitBadInput, err: usage(cmd, err)}
	}
	if !e.quiet {
		fmt.Fprintln(stderr, "lockstep:", e.err)
	}
	return e.code
}

// usage adds to cobra's own errors, of unknown commands, flags and arguments, where to read on. They wrap no others.
func usage(cmd *cobra.Command, err error) error {
	if errors.Unwrap(err) != nil || strings.Contains(err.Error(), "Did you mean") {
		return err
	}
	return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
}

// codeOf is the exit code for what went wrong between Temporal and a command.
func codeOf(kind operations.Kind) int {
	switch kind {
	case operations.Busy:
		return exitBusy
	case operations.Unavailable:
		return exitNoTemporal
	default:
		return exitBadInput
	}
}

// cli is what the commands share.
type cli struct {
	settingsFile string
	output       string // "text" or "json"
}

func root() *cobra.Command {
	c := &cli{}
	root := &cobra.Command{
		Use:   "lockstep",
		Short: "Build, wire, verify and remove API Manager environments with Identity Server as Key Manager",
		Long: `Build, wire, verify and remove WSO2 API Manager environments with Identity Server 7 as Key Manager on Kubernetes.

Temporal is found by its own settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, …, or a profile in temporal.toml).

Exit codes: 0 done, 1 failed and something is left, 2 bad input (nothing was started or decided), 3 rolled back, 4 busy,
5 Temporal or its worker does not answer, 6 nothing to tear down, 7 drifted, 130 detached (the operation goes on).`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if c.output != "text" && c.output != "json" {
				return fail(exitBadInput, "--output %q is not known: write text or json", c.output)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVar(&c.settingsFile, "config", "", "settings file (default: LOCKSTEP_CONFIG, else lockstep.yaml in the user's configuration folder or in /etc/lockstep)")
	root.PersistentFlags().StringVarP(&c.output, "output", "o", "text", "text or json")
	settings.AddFlags(root.PersistentFlags())
	for _, name := range []string{"mirrors", "serves", "kubeconfig", "cache-dir", "max-concurrent-activities", "stop-timeout", "health-address",
		"deployment-name", "deployment-build-id", "deployment-current", "log-level", "log-format", "codec-server-address", "codec-server-origins", "codec-server-ui",
		"codec-server-access-file", "codec-server-anonymous", "codec-server-tls-cert", "codec-server-tls-key", "api-address", "api-access-file",
		"api-anonymous", "api-tls-cert", "api-tls-key"} {
		_ = root.PersistentFlags().MarkHidden(name) // those of programs that run for long
	}
	root.AddCommand(c.operations()...)
	root.AddCommand(c.status(), c.watch(), c.logs(), c.history(), c.ui(), c.cancel(),
		c.retry(), c.skip(), c.rollback(), c.approve(), c.config(), c.codecServer(), c.serve(), c.api(), c.schedule(), c.clusters(), c.setup(), c.version())
	return root
}

func (c *cli) settings(cmd *cobra.Command) (settings.Settings, error) {
	if note := settings.Overlooked(c.settingsFile); note != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", note)
	}
	settings, err := settings.Load(cmd.Flags(), c.settingsFile)
	if err != nil {
		return settings, &exit{code: exitBadInput, err: err}
	}
	return settings, nil
}
