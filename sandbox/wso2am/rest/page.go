package rest

import (
	"net/http"
	"strconv"

	"lockstep/sandbox/carbon"
)

const defaultLimit = 25

// WritePage answers with the part of a sorted list that limit and offset ask for: 25 from the start, if they do not.
func WritePage(w http.ResponseWriter, r *http.Request, list []map[string]any) {
	limit, offset := queryNumber(r, "limit", defaultLimit), queryNumber(r, "offset", 0)
	from := min(offset, len(list))
	part := list[from:min(from+limit, len(list))]
	carbon.JSON(w, http.StatusOK, map[string]any{
		"count": len(part), "list": part,
		"pagination": map[string]any{"offset": offset, "limit": limit, "total": len(list), "next": "", "previous": ""},
	})
}

func queryNumber(r *http.Request, name string, fallback int) int {
	number, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || number < 0 {
		return fallback
	}
	return number
}
