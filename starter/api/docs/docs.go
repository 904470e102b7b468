// Package docs is the page that shows /openapi.json, and loads nothing from anywhere else.
package docs

import (
	"embed"
	"net/http"
)

//go:embed index.html reference.js reference.css
var reference embed.FS

// Serve adds the page to a mux, at /docs.
func Serve(mux *http.ServeMux) {
	for path, file := range map[string]string{"/docs": "index.html", "/docs/reference.js": "reference.js", "/docs/reference.css": "reference.css"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, reference, file)
		})
	}
}
