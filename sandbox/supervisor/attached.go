package supervisor

import (
	"context"
	"io"
	"log/slog"
)

// ServeAttached is [Serve] until holder ends, which who started the sandbox holds open: however it ends, the kernel closes it. Then the
// data of the sandbox goes too, since nobody will take it down; its logs stay.
func ServeAttached(ctx context.Context, s Settings, log *slog.Logger, holder io.Reader) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	left := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, holder)
		close(left)
		end()
	}()
	err := Serve(ctx, s, log)
	select {
	case <-left:
		return removeData(s.Dir)
	default:
		return err
	}
}
