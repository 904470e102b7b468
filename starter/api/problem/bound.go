package problem

import (
	"fmt"
	"unicode/utf8"
)

// What an answer repeats of a request is bounded: else a small request would be answered with a large one, before it is known what the
// caller may do.
const (
	maxParts  = 50
	maxDetail = 4 << 10 // bytes
	maxPart   = 1 << 10 // bytes of a part's message
	maxPlace  = 200     // bytes of a part's location or value
)

// Bounded is the problem without what is too much of it. It says what it leaves out.
func (p *Problem) Bounded() Problem {
	body := *p
	body.Detail = cut(p.Detail, maxDetail)
	body.Errors = nil
	for _, part := range p.Errors[:min(len(p.Errors), maxParts)] {
		part.Location, part.Message = cut(part.Location, maxPlace), cut(part.Message, maxPart)
		if text, is := part.Value.(string); is {
			part.Value = cut(text, maxPlace)
		}
		body.Errors = append(body.Errors, part)
	}
	if more := len(p.Errors) - maxParts; more > 0 {
		body.Errors = append(body.Errors, Part{Message: fmt.Sprintf("%d more are not listed: correct these first", more)})
	}
	return body
}

// cut shortens a text to so many bytes, at a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
