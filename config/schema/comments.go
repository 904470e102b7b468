package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strings"
)

// typeComments are comments by "Type" and "Type.Field".
type typeComments map[string]string

// of is what the schema library asks: the comment of a type, or of its field.
func (c typeComments) of(of reflect.Type, field string) string {
	if field == "" {
		return c[of.Name()]
	}
	return c[of.Name()+"."+field]
}

func readComments(sources ...[]byte) (typeComments, error) {
	comments := typeComments{}
	for _, source := range sources {
		if err := comments.add(source); err != nil {
			return nil, err
		}
	}
	return comments, nil
}

func (c typeComments) add(source []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", source, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.TYPE {
			continue
		}
		for _, spec := range group.Specs {
			c.read(spec.(*ast.TypeSpec), group.Doc)
		}
	}
	return nil
}

func (c typeComments) read(spec *ast.TypeSpec, doc *ast.CommentGroup) {
	name := spec.Name.Name
	c[name] = sentence(doc)
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range fields.Fields.List {
		for _, fieldName := range field.Names {
			c[name+"."+fieldName.Name] = sentence(field.Doc) + sentence(field.Comment)
		}
	}
}

// docLink is a link of Go's documentation, as in [Environment.Default].
var docLink = regexp.MustCompile(`\[([A-Za-z.]+)\]`)

// sentence is a comment on one line, without links.
func sentence(group *ast.CommentGroup) string {
	return docLink.ReplaceAllString(strings.Join(strings.Fields(group.Text()), " "), "$1")
}
