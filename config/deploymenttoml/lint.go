// Package deploymenttoml reads pieces of the deployment.toml of WSO2's servers as their parser does.
package deploymenttoml

import (
	"errors"
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"

	"lockstep/config"
)

// Lint looks for what WSO2's TOML parser (cava-toml, behind the products' config mapper) cannot take or takes for
// something else: a parent table after its child, on which it overflows the stack (wso2/api-manager#4994), a table or a
// key given twice, and plain syntax errors. Paths of the problems are "line 12". No value is ever shown, as a
// deployment.toml may hold passwords.
func Lint(text string) []config.Problem {
	l := newLinter()
	l.run(text)
	return l.found
}

// Table is one that the chart's own text has already.
type Table struct {
	Name  string
	Array bool // [[name]]
}

// LintInserted is [Lint] of a text that a chart puts after tables of its own.
func LintInserted(text string, before []Table) []config.Problem {
	l := newLinter()
	for _, table := range before {
		if table.Array {
			l.array(table.Name, "the chart")
		} else {
			l.table(table.Name, "the chart")
		}
	}
	l.found, l.current, l.inserted = nil, insertedTable, true
	l.run(text)
	return l.found
}

// insertedTable stands for the table before an inserted text, whatever it is.
const insertedTable = "<before>"

// linter follows the tables of a document.
type linter struct {
	tables   map[string]string // table → where it was given, as "line 3"
	arrays   map[string]string // array of tables, likewise
	children map[string]string // table that exists because of a child → that child and where
	keys     map[string]string // full key → where it was given
	elements map[string]int    // array of tables → how many there are
	current  string            // table that keys go into now
	inserted bool              // the text comes after other tables, so keys before its first header are theirs
	found    config.Problems
}

// In these maps a name has the number of the element after each array of tables that it is within, as list#2.name: an element of its own
// may have again what others have.

func newLinter() *linter {
	return &linter{tables: map[string]string{}, arrays: map[string]string{}, children: map[string]string{},
		keys: map[string]string{}, elements: map[string]int{}}
}

func (l *linter) run(text string) {
	if problem := tooMuch(text); problem != nil {
		l.found = append(l.found, *problem)
		return
	}
	var parser unstable.Parser
	parser.Reset([]byte(text))
	lines := lines{text: text}
	headers := 0
	for parser.NextExpression() {
		node := parser.Expression()
		path, where := lines.keyOf(node)
		switch node.Kind {
		case unstable.Table:
			headers++
			l.table(path, where)
		case unstable.ArrayTable:
			headers++
			l.array(path, where)
		case unstable.KeyValue:
			if headers == 0 && l.inserted {
				l.stray(path, where)
			}
			l.key(path, where)
		}
	}
	l.syntax(&parser)
}

// element is the name of a table or key, with the elements of arrays that it is within.
func (l *linter) element(path string) string {
	parent := parentOf(path)
	if parent == "" {
		return path
	}
	return l.inside(parent) + path[len(parent):]
}

// inside is the name of a table, or of the last element of an array of tables.
func (l *linter) inside(path string) string {
	name := l.element(path)
	if n := l.elements[name]; n > 0 {
		return fmt.Sprintf("%s#%d", name, n)
	}
	return name
}

// table takes a [path] header.
func (l *linter) table(path, where string) {
	shown, name := "["+path+"]", l.element(path)
	switch {
	case l.tables[name] != "":
		l.found.Add(where, shown, "is given twice, first in "+l.tables[name]+": the server refuses the file (previously defined)",
			"move its keys under the first one")
	case l.arrays[name] != "":
		l.found.Add(where, shown, "is an array of tables in "+l.arrays[name], "write [["+path+"]]")
	case l.children[name] != "":
		l.found.Add(where, shown, "comes after "+l.children[name]+": the server's parser overflows its stack, and the server never starts",
			"move it before its child, or set its keys where the chart offers values for them")
	case l.keys[name] != "":
		l.found.Add(where, shown, "is also a key in "+l.keys[name], "keep one of the two")
	}
	if l.tables[name] == "" {
		l.tables[name] = where
	}
	l.current = path
	l.parents(path, where)
}

// array takes a [[path]] header: a new element, in which tables and keys below it may be given again.
func (l *linter) array(path, where string) {
	name := l.element(path)
	if l.tables[name] != "" {
		l.found.Add(where, "[["+path+"]]", "is a table in "+l.tables[name], "keep one of the two")
	}
	delete(l.children, name)
	l.arrays[name] = where
	l.elements[name]++
	l.current = path
	l.parents(path, where)
}

// parents remembers which tables now exist only because of this child.
func (l *linter) parents(path, where string) {
	for parent := parentOf(path); parent != ""; parent = parentOf(parent) {
		name := l.element(parent)
		if l.tables[name] == "" && l.arrays[name] == "" && l.children[name] == "" {
			l.children[name] = "[" + path + "] in " + where
		}
	}
}

func (l *linter) key(path, where string) {
	full := path
	if l.current != "" {
		full = l.inside(l.current) + "." + path
	}
	switch {
	case l.keys[full] != "":
		l.found.Add(where, path, "is given twice, first in "+l.keys[full], "keep one of the two")
	case l.tables[full] != "" || l.arrays[full] != "":
		l.found.Add(where, path, "is a table in "+l.tables[full]+l.arrays[full], "keep one of the two")
	default:
		l.keys[full] = where
	}
}

// stray complains about a key before the first header of a text that is put in after some table.
func (l *linter) stray(path, where string) {
	l.found.Add(where, path, "comes before any [table]: it would become a key of the chart's table before it (in Identity Server's chart, the TOTP parameters), and has no effect",
		"put it below a [table] of its own")
}

func (l *linter) syntax(parser *unstable.Parser) {
	err := parser.Error()
	if err == nil {
		return
	}
	where := "end of text"
	var at *unstable.ParserError
	if errors.As(err, &at) && len(at.Highlight) > 0 {
		where = fmt.Sprintf("line %d", parser.Shape(parser.Range(at.Highlight)).Start.Line)
	}
	l.found.Add(where, "", "is not TOML: "+err.Error(), "correct the text there")
}

// parentOf is path without its last part; dots in quoted parts do not count.
func parentOf(path string) string {
	inQuotes := false
	for i := len(path) - 1; i >= 0; i-- {
		switch path[i] {
		case '\'':
			inQuotes = !inQuotes
		case '.':
			if !inQuotes {
				return path[:i]
			}
		}
	}
	return ""
}
