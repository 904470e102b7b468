package api

import (
	"encoding/json"
	"fmt"
)

// snapshot is an operation as it was at some time, as text for all that watch it.
type snapshot struct {
	id    string // a digest of the board: the same on every server
	board string
	end   string // "" while the operation runs
}

// idLength of a digest in hexadecimal is more than enough to tell the boards of one operation apart.
const idLength = 32

func newSnapshot(details *OperationDetails) *snapshot {
	data, err := json.Marshal(details)
	if err != nil {
		data, _ = json.Marshal(OperationDetails{Operation: details.Operation, Unanswered: err.Error()})
	}
	s := &snapshot{id: hash(string(data))[:idLength]}
	s.board = event("board", s.id, json.RawMessage(data))
	if details.Ended != nil {
		s.end = event("end", s.endID(), Ended{details.Outcome, details.Error})
	}
	return s
}

// Ended is the data of the last event.
type Ended struct {
	Outcome string `json:"outcome"`
	Error   string `json:"error,omitempty"`
}

func (s *snapshot) ended() bool { return s.end != "" }

func (s *snapshot) endID() string { return s.id + "-end" }

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
