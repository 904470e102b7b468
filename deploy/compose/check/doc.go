// Package check loads the compose files with Compose's own loader and checks what must hold of them. It is a module of its own
// because nothing else needs the loader.
package check
