package settings

import "os"

// Terminal is what the user's environment says about terminal output.
type Terminal struct {
	NoColor bool // NO_COLOR is set (no-color.org)
	Dumb    bool // TERM is dumb or not set: no cursor movement
	CI      bool // CI is set, as continuous integration does: what is written is kept, not watched
}

// ReadTerminal reads it.
func ReadTerminal() Terminal {
	name, ci := os.Getenv("TERM"), os.Getenv("CI")
	return Terminal{NoColor: os.Getenv("NO_COLOR") != "", Dumb: name == "dumb" || name == "", CI: ci != "" && ci != "false"}
}
