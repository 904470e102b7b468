package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with an environment, or worth a note.
type Problem struct {
	// Path leads to the field, as identityServer.chart.version. A line of a file where no field can be named.
	Path string `json:"path"`
	// Value is what stands there. Empty where it is missing, or where it may be a secret.
	Value string `json:"value,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Next is the operator's next move.
	Next string `json:"next"`
}

// String is the problem on one line.
func (p Problem) String() string {
	var text strings.Builder
	text.WriteString(p.Path)
	if p.Value != "" {
		fmt.Fprintf(&text, " %q", p.Value)
	}
	text.WriteString(": " + p.Message)
	if p.Next != "" {
		text.WriteString("; " + p.Next)
	}
	return text.String()
}

// Problems are all that is wrong with an environment, in the order of its fields.
type Problems []Problem

// Error is one line for a single problem, else a list.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].String()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d problems:", len(p))
	for _, problem := range p {
		text.WriteString("\n  - " + problem.String())
	}
	return text.String()
}

// err keeps an empty list from becoming a non-nil error.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
