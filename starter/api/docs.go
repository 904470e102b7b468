package api

import (
	"embed"
	"io/fs"
	"net/http"
)

// reference is a page that shows /openapi.json, and loads nothing from anywhere else.
//
//go:embed docs
var reference embed.FS

func serveDocs(mux *http.ServeMux) {
	for path, file := range map[string]string{"/docs": "docs/index.html", "/docs/reference.js": "docs/reference.js", "/docs/reference.css": "docs/reference.css"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, fs.FS(reference), file)
		})
	}
}
