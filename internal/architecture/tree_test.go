package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "lockstep/"

// folder is one folder with Go files of this module.
type folder struct {
	path  string // below the module's root
	doc   bool   // some file has a package comment
	files int    // without tests, and without the steps of package workflows, which are a file each
	// imports are all imports, by the file's path.
	imports map[string][]string
	// reads are the files that read environment variables, tells those that make errors of Temporal, and plain those that make errors of
	// no kind.
	reads, tells, plain []string
	starts              []string // the files that start a program and do not wait for it
	aliases             []string // exported names for what another package of this module declares, each with its file
}

// tree is every folder of the module by its path.
func tree(t *testing.T) map[string]*folder {
	t.Helper()
	folders, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// parsed parses every Go file of the module, once. Folders that are modules of their own are left out.
var parsed = sync.OnceValues(func() (map[string]*folder, error) {
	const root = "../.."
	folders := map[string]*folder{}
	return folders, filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return leftOut(root, file, entry.Name())
		case !strings.HasSuffix(file, ".go"):
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		return add(folders, filepath.ToSlash(name), file)
	})
})

func leftOut(root, file, name string) error {
	if file == root {
		return nil
	}
	if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	if name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return filepath.SkipDir
	}
	return nil
}

func add(folders map[string]*folder, name, file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	f := folders[dir]
	if f == nil {
		f = &folder{path: dir, imports: map[string][]string{}}
		folders[dir] = f
	}
	if parsed.Doc != nil {
		f.doc = true
	}
	if !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "workflows/step_") {
		f.files++
	}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		f.imports[name] = append(f.imports[name], imported)
	}
	for _, alias := range aliases(parsed) {
		f.aliases = append(f.aliases, name+": "+alias)
	}
	if startsProgram(parsed) {
		f.starts = append(f.starts, name)
	}
	for into, is := range map[*[]string]func(pkg, name string) bool{&f.reads: readsEnvironment, &f.tells: tellsTemporal, &f.plain: isPlain} {
		if mentions(parsed, is) {
			*into = append(*into, name)
		}
	}
	return nil
}

// mentions says whether a file has something of a package, as package.Name.
func mentions(file *ast.File, is func(pkg, name string) bool) (found bool) {
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			in, ok := selector.X.(*ast.Ident)
			found = found || ok && is(in.Name, selector.Sel.Name)
		}
		return true
	})
	return found
}

// aliases are the exported types, constants and variables of a file that are only another name for what a package of this module declares.
func aliases(file *ast.File) (names []string) {
	own := map[string]bool{}
	for _, spec := range file.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err == nil && strings.HasPrefix(imported, module) && spec.Name == nil {
			own[path.Base(imported)] = true
		}
	}
	is := func(name *ast.Ident, of ast.Expr) {
		if selector, ok := of.(*ast.SelectorExpr); ok && name.IsExported() {
			if in, ok := selector.X.(*ast.Ident); ok && own[in.Name] {
				names = append(names, name.Name+" is "+in.Name+"."+selector.Sel.Name)
			}
		}
	}
	for _, decl := range file.Decls {
		general, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Assign.IsValid() {
					is(s.Name, s.Type)
				}
			case *ast.ValueSpec:
				for i, value := range s.Values {
					is(s.Names[i], value)
				}
			}
		}
	}
	return names
}

// startsProgram says whether a file that uses os/exec calls a Start without arguments, as that of a command is.
func startsProgram(file *ast.File) (found bool) {
	if !slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool { return spec.Path.Value == `"os/exec"` }) {
		return false
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok && len(call.Args) == 0 {
			selector, ok := call.Fun.(*ast.SelectorExpr)
			found = found || ok && selector.Sel.Name == "Start"
		}
		return true
	})
	return found
}

func readsEnvironment(pkg, name string) bool {
	return pkg == "os" && (name == "Getenv" || name == "LookupEnv" || name == "Environ")
}

func tellsTemporal(pkg, name string) bool {
	return pkg == "temporal" && strings.HasPrefix(name, "New") && strings.Contains(name, "Error")
}

func isPlain(pkg, name string) bool {
	return pkg == "errors" && name == "New" || pkg == "fmt" && name == "Errorf"
}
