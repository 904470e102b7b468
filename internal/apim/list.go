package apim

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"lockstep/internal/rest"
)

const pageSize = 100

// named pages through a list of applications or APIs and gives the ids of those whose names begin with prefix. A server may give
// less than was asked for, so a short page is the last one only if the total says so.
func (c *Client) named(ctx context.Context, path, prefix string) (ids []string, err error) {
	for offset := 0; ; {
		var page struct {
			List []struct {
				ID            string `json:"id"`
				ApplicationID string `json:"applicationId"`
				Name          string `json:"name"`
			} `json:"list"`
			Pagination struct {
				Total int `json:"total"`
			} `json:"pagination"`
		}
		query := url.Values{"limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)}}
		if err := c.call(ctx, rest.Request{Method: http.MethodGet, Path: path, Query: query}, &page); err != nil {
			return nil, err
		}
		for _, item := range page.List {
			if strings.HasPrefix(item.Name, prefix) {
				ids = append(ids, item.ID+item.ApplicationID) // each list has one of the two
			}
		}
		offset += len(page.List)
		if len(page.List) == 0 || offset >= page.Pagination.Total && len(page.List) < pageSize {
			return ids, nil
		}
	}
}
