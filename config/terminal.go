package config

import "os"

// Terminal is what the user's environment says about terminal output.
type Terminal struct {
	NoColor bool // NO_COLOR is set (no-color.org)
	Dumb    bool // TERM is dumb: no cursor movement
}

// LoadTerminal reads it.
func LoadTerminal() Terminal {
	return Terminal{NoColor: os.Getenv("NO_COLOR") != "", Dumb: os.Getenv("TERM") == "dumb"}
}
