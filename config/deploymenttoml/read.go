package deploymenttoml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"lockstep/config"
	"lockstep/config/bounds"
)

// Read gives the tables of a text. An error says the line, and nothing of what stands there.
func Read(text string) (map[string]any, error) {
	if problem := tooMuch(text); problem != nil {
		return nil, errors.New(problem.Message + ": " + problem.Next)
	}
	var tables map[string]any
	if err := toml.Unmarshal([]byte(text), &tables); err != nil {
		where := "it"
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, _ := at.Position()
			where = fmt.Sprintf("line %d", row)
		}
		return nil, fmt.Errorf("not TOML: correct %s", where)
	}
	return tables, nil
}

// maxValues is the most that a text may have, keys and what they hold. The parser looks for each key among all those beside it.
const maxValues = 10_000

// tooMuch is the problem with a text that is too large to be looked at, or nil.
func tooMuch(text string) *config.Problem {
	var parser unstable.Parser
	parser.Reset([]byte(text))
	m := measure{Counter: bounds.Counter{Values: maxValues}, lines: lines{text: text}}
	for parser.NextExpression() {
		node := parser.Expression()
		depth, path := 0, 0
		if node.Kind == unstable.KeyValue {
			depth, path = m.depth, m.path
		}
		m.value(node, depth, path)
		if node.Kind != unstable.KeyValue {
			m.depth, m.path = keyLength(node)
		}
		if m.problem != nil {
			_, m.problem.Path = m.lines.keyOf(node)
			return m.problem
		}
	}
	return nil // what is no TOML is said elsewhere
}

// measure counts what a text has.
type measure struct {
	bounds.Counter
	lines       lines
	depth, path int // of the table that keys go into now
	problem     *config.Problem
}

// value counts what stands at a path, and all that is below it.
func (m *measure) value(node *unstable.Node, depth, path int) {
	if m.problem != nil {
		return
	}
	text := len(node.Data)
	switch node.Kind {
	case unstable.Table, unstable.ArrayTable, unstable.KeyValue:
		parts, length := keyLength(node)
		depth, path, text = depth+parts, path+length, 0
	}
	if message, next := m.Add(depth, path, text); message != "" {
		m.problem = &config.Problem{Message: message, Next: next}
		return
	}
	switch node.Kind {
	case unstable.KeyValue:
		m.value(node.Value(), depth, path)
	case unstable.Array:
		for items := node.Children(); items.Next(); {
			m.value(items.Node(), depth+1, path+len("[99999]"))
		}
	case unstable.InlineTable:
		for items := node.Children(); items.Next(); {
			m.value(items.Node(), depth, path)
		}
	}
}

// keyLength is how many parts and bytes the key of a header or key has.
func keyLength(node *unstable.Node) (parts, length int) {
	for key := node.Key(); key.Next(); {
		parts++
		length += 1 + len(key.Node().Data)
	}
	return parts, length
}

// lines counts lines as it goes through a text.
type lines struct {
	text     string
	at, line int
}

// of is the line of a place that comes after those asked for before.
func (l *lines) of(offset int) int {
	if offset > l.at {
		l.line += strings.Count(l.text[l.at:offset], "\n")
		l.at = offset
	}
	return l.line + 1
}

// keyOf is the dotted key of a header or key and its line. A part with a dot in it is quoted.
func (l *lines) keyOf(node *unstable.Node) (path, where string) {
	var parts []string
	for key := node.Key(); key.Next(); {
		part := key.Node()
		if where == "" {
			where = fmt.Sprintf("line %d", l.of(int(part.Raw.Offset)))
		}
		text := string(part.Data)
		if strings.Contains(text, ".") {
			text = "'" + text + "'"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "."), where
}
