package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lockstep/config"
	"lockstep/config/schema"
	"lockstep/starter/api/problem"
)

const schemas = "#/components/schemas/"

// newAPI is huma over the server's mux: it checks requests by the schema that it documents. It serves no document and no reference of its
// own: that one is loaded from elsewhere.
func (s *Server) newAPI() (huma.API, error) {
	if !huma.ValidateStrictCasing { // else a field in other letters is not looked at, and encoding/json takes it all the same
		huma.ValidateStrictCasing = true
	}
	registry := huma.NewMapRegistry(schemas, huma.DefaultSchemaNamer)
	environment, err := environmentSchema()
	if err != nil {
		return nil, err
	}
	registry.Map()["Environment"] = environment
	return humago.New(s.mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Lockstep", Version: "1", Description: "Build, wire, verify and remove API Manager environments with Identity Server as Key Manager.\n\n" +
				"Every refusal is a problem (RFC 9457) that says what to do. Requests are checked strictly: unknown fields and query parameters are refused, and then nothing is started."},
			Tags: tags(),
			Components: &huma.Components{Schemas: registry, SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", Description: "A token of the access file, or one of the OpenID Connect issuer that it names"},
			}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{s.ownProblem},
	}), nil
}

// route is an operation as the document shows it.
type route struct {
	method, path, id, tag string
	summary, text         string
	status                int           // of success; default 200
	refusals              []int         // besides those that every route has
	also                  []int         // answers without a body, as 304
	patience              time.Duration // of the handler; default 20s, negative: none
	answers               map[string]*huma.Response
	refusalTypes          map[int]reflect.Type
}

// handle adds a route. What its handler gives back as an error becomes a problem.
func handle[I, O any](s *Server, api huma.API, r route, handler func(context.Context, *I) (*O, error)) {
	if r.patience == 0 {
		r.patience = 20 * time.Second
	}
	huma.Register(api, huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.id, Summary: r.summary, Description: r.text, Tags: []string{r.tag},
		DefaultStatus: r.status, Responses: r.responses(api.OpenAPI().Components.Schemas), Security: []map[string][]string{{"bearer": {}}},
		MaxBodyBytes: -1, BodyReadTimeout: -1, // it has been read
	}, func(ctx context.Context, in *I) (*O, error) {
		if r.patience > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, r.patience)
			defer cancel()
		}
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.refusal(ctx, err)
		}
		return out, nil
	})
}

// responses documents what is no success.
func (r route) responses(registry huma.Registry) map[string]*huma.Response {
	all := map[string]*huma.Response{}
	for status, response := range r.answers {
		all[status] = response
	}
	for _, status := range r.also {
		all[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status)}
	}
	for _, status := range append(slices.Clone(r.refusals), 400, 401, 403, 405, 408, 413, 414, 415, 422, 429, 431, 500, 503) {
		of, special := r.refusalTypes[status]
		if !special {
			of = reflect.TypeFor[problem.Problem]()
		}
		response := &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
			problem.ContentType: {Schema: registry.Schema(of, true, of.Name())}}}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			response.Headers = map[string]*huma.Header{"Retry-After": {Description: "Seconds to wait", Schema: &huma.Schema{Type: huma.TypeInteger}}}
		}
		all[strconv.Itoa(status)] = response
	}
	return all
}

// document is the OpenAPI document, without what huma adds of its own errors, which nobody gets to see.
func document(of *huma.OpenAPI) ([]byte, error) {
	delete(of.Components.Schemas.Map(), "ErrorModel")
	delete(of.Components.Schemas.Map(), "ErrorDetail")
	return json.Marshal(of)
}

// serveDocument gives the document to everybody: it is the same on every server of a version.
func (s *Server) serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(s.document) // whoever asked is gone then
}

// environmentSchema is that of environment files, as a part of the document.
func environmentSchema() (*huma.Schema, error) {
	text, err := schema.Environment()
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte(`"#/$defs/`), []byte(`"`+schemas+`Environment/$defs/`)), &fields); err != nil {
		return nil, fmt.Errorf("reading the schema of environments: %w", err)
	}
	delete(fields, "$schema")
	return &huma.Schema{Extensions: fields}, nil
}

// environment is a whole environment in an answer.
type environment struct{ config.Environment }

// Schema implements [huma.SchemaProvider].
func (environment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Ref: schemas + "Environment"}
}

// MarshalJSON is that of the environment.
func (e environment) MarshalJSON() ([]byte, error) { return json.Marshal(e.AsWritten()) }
