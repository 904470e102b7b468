// Package deploymenttoml reads pieces of the deployment.toml of WSO2's servers as their parser does.
package deploymenttoml

import (
	"errors"
	"fmt"
	"strings"

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
	current  string            // table that keys go into now
	inserted bool              // the text comes after other tables, so keys before its first header are theirs
	found    config.Problems
}

func newLinter() *linter {
	return &linter{tables: map[string]string{}, arrays: map[string]string{}, children: map[string]string{},
		keys: map[string]string{}}
}

func (l *linter) run(text string) {
	var parser unstable.Parser
	parser.Reset([]byte(text))
	headers := 0
	for parser.NextExpression() {
		node := parser.Expression()
		path, where := keyOf(&parser, node)
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

// table takes a [path] header.
func (l *linter) table(path, where string) {
	name := "[" + path + "]"
	switch {
	case l.tables[path] != "":
		l.found.Add(where, name, "is given twice, first in "+l.tables[path]+": the server refuses the file (previously defined)",
			"move its keys under the first one")
	case l.arrays[path] != "":
		l.found.Add(where, name, "is an array of tables in "+l.arrays[path], "write [["+path+"]]")
	case l.children[path] != "":
		l.found.Add(where, name, "comes after "+l.children[path]+": the server's parser overflows its stack, and the server never starts",
			"move it before its child, or set its keys where the chart offers values for them")
	case l.keys[path] != "":
		l.found.Add(where, name, "is also a key in "+l.keys[path], "keep one of the two")
	}
	if l.tables[path] == "" {
		l.tables[path] = where
	}
	l.current = path
	l.parents(path, where)
}

// array takes a [[path]] header: a new element, in which tables and keys below it may be given again.
func (l *linter) array(path, where string) {
	if l.tables[path] != "" {
		l.found.Add(where, "[["+path+"]]", "is a table in "+l.tables[path], "keep one of the two")
	}
	for _, seen := range []map[string]string{l.tables, l.arrays, l.children, l.keys} {
		for known := range seen {
			if strings.HasPrefix(known, path+".") {
				delete(seen, known)
			}
		}
	}
	delete(l.children, path)
	l.arrays[path] = where
	l.current = path
	l.parents(path, where)
}

// parents remembers which tables now exist only because of this child.
func (l *linter) parents(path, where string) {
	for parent := parentOf(path); parent != ""; parent = parentOf(parent) {
		if l.tables[parent] == "" && l.arrays[parent] == "" && l.children[parent] == "" {
			l.children[parent] = "[" + path + "] in " + where
		}
	}
}

func (l *linter) key(path, where string) {
	full := config.JoinPath(l.current, path)
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

// keyOf is the dotted key of a header or key and its line. A part with a dot in it is quoted.
func keyOf(parser *unstable.Parser, node *unstable.Node) (path, where string) {
	var parts []string
	for key := node.Key(); key.Next(); {
		part := key.Node()
		if where == "" {
			where = fmt.Sprintf("line %d", parser.Shape(part.Raw).Start.Line)
		}
		text := string(part.Data)
		if strings.Contains(text, ".") {
			text = "'" + text + "'"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "."), where
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
