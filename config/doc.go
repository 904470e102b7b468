// Package config says what an environment is: its types, their defaults, what follows from them, and how a problem with one is told.
package config

import _ "embed"

//go:embed environment.go
var environment []byte

//go:embed controller.go
var controller []byte

// Sources are the sources of the types of files that people write. Their comments document the fields.
func Sources() [][]byte { return [][]byte{environment, controller} }
