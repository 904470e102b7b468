// Package dial connects to Temporal. Worker, command line and API reach it by the same settings and read what it stores in the same way.
package dial

import (
	"context"
	"fmt"

	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"lockstep/config/settings"
	"lockstep/internal/codec"
)

// Connection is a client of Temporal, with what it takes to read payloads and failures that the client hands out as they are stored:
// memos, heartbeats and failures of pending activities.
type Connection struct {
	client.Client
	Namespace        string
	DataConverter    converter.DataConverter
	FailureConverter converter.FailureConverter
}

// Options are for [Temporal]: Temporal's own settings (TEMPORAL_… and temporal.toml), and converters that encrypt if there are keys.
// Without keys they read what is plain, and say of the rest which key it takes.
func Options(e settings.Encryption) (client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return options, fmt.Errorf("reading Temporal's settings (TEMPORAL_… and temporal.toml): %w", err)
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	keys, err := codec.Read(e)
	if err != nil {
		return options, err
	}
	options.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec.New(keys))
	options.FailureConverter = newFailures(options.DataConverter, e.Keys != "")
	return options, nil
}

// Temporal connects with [Options].
func Temporal(ctx context.Context, options client.Options) (Connection, error) {
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return Connection{}, fmt.Errorf("Temporal at %s does not answer: %w; set TEMPORAL_ADDRESS, or start it (the sandbox: `bin/sandbox up`, then `eval \"$(bin/sandbox env)\"`)",
			options.HostPort, err)
	}
	return Connection{c, options.Namespace, options.DataConverter, options.FailureConverter}, nil
}

// Message is the text of a stored failure, without those of its causes.
func (c Connection) Message(failure *failurepb.Failure) string {
	readable := proto.CloneOf(failure)
	explain(c.DataConverter, readable)
	converter.DecodeCommonFailureAttributes(c.DataConverter, readable)
	return readable.GetMessage()
}
