package stream

import (
	"fmt"
	"net/http"
	"time"
)

// writePatience is how long a client may take to accept an event. One that is slower is left: it may come back and resume.
const writePatience = 10 * time.Second

// Writer is a stream to one client.
type Writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// Open begins a stream. There is none for who asks for the headers only.
func Open(w http.ResponseWriter, r *http.Request) (*Writer, bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	out := &Writer{w, http.NewResponseController(w)}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil, false
	}
	return out, out.send(": events follow\n\n") == nil
}

// Show sends a snapshot, unless it is what the client has seen, and the end after the last.
func (out *Writer) Show(next *Snapshot, seen string) error {
	text := ""
	if seen != next.ID && seen != next.EndID() {
		text = next.board
	}
	if text += next.end; text == "" {
		return nil
	}
	return out.send(text)
}

// Heartbeat sends a comment, by which both sides learn whether the other is there.
func (out *Writer) Heartbeat() error { return out.send(": still there\n\n") }

// Refuse tells a client why it may watch no longer.
func (out *Writer) Refuse(reason string) {
	_ = out.send(event("refused", "", map[string]string{"reason": reason}))
}

// reconnect tells a client to ask another server, and not all of them at once would be up to them: a second from now.
const reconnect = "event: reconnect\nretry: 1000\ndata: {\"reason\":\"this server stops: ask again, with Last-Event-ID\"}\n\n"

// Reconnect tells a client to ask another server.
func (out *Writer) Reconnect() { _ = out.send(reconnect) }

func (out *Writer) send(text string) error {
	if err := out.control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return fmt.Errorf("bounding the time to write: %w", err)
	}
	if _, err := out.w.Write([]byte(text)); err != nil {
		return err
	}
	return out.control.Flush()
}
