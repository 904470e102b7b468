package strictyaml

import (
	yamlv3 "go.yaml.in/yaml/v3"

	"lockstep/config"
	"lockstep/config/bounds"
)

const maxSize = bounds.MaxDocument

// maxItems is the most that a list has whose entries are looked at one beside the other. Lists in chart values are none of these.
const maxItems = 1000

// tooMuch is the problem with a document that is too large to be looked at.
func tooMuch(root *yamlv3.Node) config.Problems {
	b := &looker{}
	b.look(root, 0, 0)
	return b.found
}

type looker struct {
	count bounds.Counter
	found config.Problems
}

// look counts a node and all that is below it. path is how many bytes lead to it.
func (b *looker) look(node *yamlv3.Node, depth, path int) {
	if len(b.found) > 0 {
		return
	}
	if message, next := b.count.Add(depth, path, len(node.Value)); message != "" {
		b.found = config.Problems{{Path: "YAML", Line: node.Line, Message: message, Next: next}}
		return
	}
	if node.Kind == yamlv3.AliasNode {
		b.look(node.Alias, depth+1, path)
	}
	for i, below := range node.Content {
		at := path + len("[99999]")
		if node.Kind == yamlv3.MappingNode {
			at = path + 1 + len(node.Content[i&^1].Value)
		}
		b.look(below, depth+1, at)
	}
}
