package carbon

//lint:file-ignore ST1005 errors are in the words of the product

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// readConfig reads <home>/repository/conf/deployment.toml.
func readConfig(home string, getenv func(string) string) (*Config, error) {
	data, err := os.ReadFile(filepath.Join(home, "repository", "conf", "deployment.toml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("org.wso2.config.mapper.ConfigParserException: deployment.toml not found in repository/conf")
	}
	if err != nil {
		return nil, err
	}
	return ParseConfig(data, getenv)
}

// ParseConfig parses a deployment.toml as wso2/config-mapper does with net.consensys.cava's parser, which is not TOML's
// whole truth: a table after one of its own sub-tables overflows the stack (wso2/api-manager#4994, #4995).
func ParseConfig(data []byte, getenv func(string) string) (*Config, error) {
	if err := checkHeaders(data); err != nil {
		return nil, err
	}
	tree := map[string]any{}
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("org.wso2.config.mapper.ConfigParserException: Error while parsing deployment.toml: %w", err)
	}
	return resolveConfig(tree, getenv)
}

// headers remembers the table headers seen so far.
type headers struct {
	defined map[string]bool // by a header of its own
	implied map[string]bool // by a header of a sub-table
}

func checkHeaders(data []byte) error {
	seen := headers{defined: map[string]bool{}, implied: map[string]bool{}}
	parser := unstable.Parser{}
	parser.Reset(data)
	for parser.NextExpression() {
		node := parser.Expression()
		if node.Kind != unstable.Table && node.Kind != unstable.ArrayTable {
			continue
		}
		if err := seen.add(headerKey(node), node.Kind == unstable.ArrayTable); err != nil {
			return err
		}
	}
	if err := parser.Error(); err != nil {
		return fmt.Errorf("org.wso2.config.mapper.ConfigParserException: Error while parsing deployment.toml: %w", err)
	}
	return nil
}

func headerKey(node *unstable.Node) []string {
	var key []string
	for parts := node.Key(); parts.Next(); {
		key = append(key, string(parts.Node().Data))
	}
	return key
}

func (h headers) add(key []string, array bool) error {
	name := strings.Join(key, ".")
	switch {
	case h.defined[name] && !array:
		return fmt.Errorf("org.wso2.config.mapper.ConfigParserException: Error while parsing deployment.toml: "+
			"%s previously defined", name)
	case h.implied[name] && !h.defined[name]:
		return fmt.Errorf("Exception in thread \"main\" java.lang.StackOverflowError\n"+
			"\tat net.consensys.cava.toml.MutableTomlTable.getOrCreate(MutableTomlTable.java)\n"+
			"\tat org.wso2.config.mapper.TomlParser.parse(TomlParser.java)\n"+
			"(simulated: deployment.toml has [%s] after one of its sub-tables)", name)
	}
	if array { // what follows belongs to a new element
		h.forgetBelow(name)
	}
	h.defined[name] = true
	for i := 1; i < len(key); i++ {
		h.implied[strings.Join(key[:i], ".")] = true
	}
	return nil
}

func (h headers) forgetBelow(name string) {
	for _, known := range []map[string]bool{h.defined, h.implied} {
		for other := range known {
			if strings.HasPrefix(other, name+".") {
				delete(known, other)
			}
		}
	}
}
