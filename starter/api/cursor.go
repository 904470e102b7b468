package api

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"lockstep/starter/operations"
)

// cursorSize is that of a point in time and of a digest.
const cursorSize = 16

// cursor says where the next page of a list begins: before when, of which list. It holds nothing that any other server needs to know, and
// leads nowhere that its list does not.
func cursor(before time.Time, q operations.Query) string {
	data := binary.BigEndian.AppendUint64(nil, uint64(before.UnixNano()))
	return base64.RawURLEncoding.EncodeToString(append(data, sumOf(data, q)...))
}

// readCursor refuses what is no cursor of that list.
func readCursor(text string, q operations.Query) (time.Time, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(data) != cursorSize || string(sumOf(data[:8], q)) != string(data[8:]) {
		return time.Time{}, wrong("query.cursor", "it does not belong to this list: use the cursor of the page before, with the same environment, operation and outcome, or leave it out to begin again")
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(data))), nil
}

// sumOf tells cursors of different lists apart, and finds those that were changed. It is no secret: whoever makes a cursor up sees a part of
// the list that they may see.
func sumOf(data []byte, q operations.Query) []byte {
	return []byte(hash(strings.Join([]string{q.Environment, q.Operation, q.Outcome, fmt.Sprintf("%x", data)}, "\n"))[:8])
}
