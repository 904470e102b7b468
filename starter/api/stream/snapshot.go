package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Snapshot is an operation as it was at some time, as text for all that watch it.
type Snapshot struct {
	// ID is a digest of the board: the same on every server.
	ID    string
	board string
	end   string // "" while the operation runs
}

// idLength of a digest in hexadecimal is more than enough to tell the boards of one operation apart.
const idLength = 32

// NewSnapshot is of a board, and, if the operation has ended, of how.
func NewSnapshot(board json.RawMessage, ended *Ended) *Snapshot {
	sum := sha256.Sum256(board)
	s := &Snapshot{ID: hex.EncodeToString(sum[:])[:idLength]}
	s.board = event("board", s.ID, board)
	if ended != nil {
		s.end = event("end", s.EndID(), ended)
	}
	return s
}

// Ended is the data of the last event.
type Ended struct {
	Outcome string `json:"outcome"`
	Error   string `json:"error,omitempty"`
}

// Ended says whether the operation has ended.
func (s *Snapshot) Ended() bool { return s.end != "" }

// EndID is the id of the last event.
func (s *Snapshot) EndID() string { return s.ID + "-end" }

// event is one of a stream. JSON has no line breaks, so it needs one line.
func event(name, id string, data any) string {
	text, err := json.Marshal(data)
	if err != nil {
		text = []byte("{}") // all that is sent is made of texts
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return fmt.Sprintf("event: %s\n%sdata: %s\n\n", name, id, text)
}
