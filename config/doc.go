// Package config says what an environment is: its types, their defaults, what follows from them, and how a problem with one is told.
package config

import _ "embed"

//go:embed environment.go
var source []byte

// Source is the source of the environment's types, whose comments document the fields of environment files.
func Source() []byte { return source }
