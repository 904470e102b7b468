package strictyaml

import (
	"fmt"

	yamlv3 "go.yaml.in/yaml/v3"

	"lockstep/config"
)

// What a file that a person wrote does not need more of. Without bounds a few bytes of aliases fill the memory, or the stack.
const (
	maxSize  = 1 << 20 // Temporal takes no input larger than 2 MiB, and Helm no release much larger than 1 MiB
	maxDepth = 64
	maxNodes = 100_000 // aliases counted as often as they are used
)

// tooMuch is the problem with a document that is too large to be looked at.
func tooMuch(root *yamlv3.Node) config.Problems {
	b := &bounds{}
	b.look(root, 0)
	return b.found
}

type bounds struct {
	nodes int
	found config.Problems
}

func (b *bounds) look(node *yamlv3.Node, depth int) {
	if len(b.found) > 0 {
		return
	}
	b.nodes++
	switch {
	case depth > maxDepth:
		b.found = refuse(node, fmt.Sprintf("is nested more than %d deep, or an alias stands for what it is part of", maxDepth), "write it out, with fewer levels and without such aliases")
	case b.nodes > maxNodes:
		b.found = refuse(node, fmt.Sprintf("has more than %d values, aliases counted as often as they are used", maxNodes), "shorten it")
	case node.Kind == yamlv3.AliasNode:
		b.look(node.Alias, depth+1)
	}
	for _, below := range node.Content {
		b.look(below, depth+1)
	}
}

func refuse(node *yamlv3.Node, message, next string) config.Problems {
	return config.Problems{{Path: "YAML", Line: node.Line, Message: message, Next: next}}
}
