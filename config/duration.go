package config

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a [time.Duration] written as "5m" or "1h30m".
type Duration time.Duration

// String is the shortest way to write the duration: "5m", not "5m0s".
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes the duration as [Duration.String] does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration: write it as \"90s\", \"5m\" or \"1h30m\"", text)
	}
	*d = Duration(parsed)
	return nil
}

// Notation says what a duration is, and how to write one.
func (Duration) Notation() (noun, next string) {
	return "a duration", `write it as "90s", "5m" or "1h30m"`
}
