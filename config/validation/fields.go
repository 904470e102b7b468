package validation

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/spelling"
)

var (
	dnsLabel   = regexp.MustCompile(config.LabelPattern)
	dnsName    = regexp.MustCompile(config.DNSNamePattern)
	notInLabel = regexp.MustCompile(`[^a-z0-9]+`)
)

// checkFields looks at each field by itself, as its tag says.
func checkFields(e config.Environment) (found problems) {
	found.fields(e.Fields())
	return found
}

func (p *problems) fields(all iter.Seq[config.Field]) {
	for field := range all {
		if field.Choices != nil {
			p.choice(field.Path, field.Value, field.Choices...)
		}
		switch field.Rule {
		case config.RuleLabel:
			p.label(field.Path, field.Value, 63)
		case config.RuleNamespace:
			if field.Value != "" {
				p.label(field.Path, field.Value, 63)
			}
		case config.RuleHostname:
			p.hostname(field.Path, field.Value)
		case config.RuleObject:
			p.object(field.Path, field.Value)
		case config.RuleSecret:
			if field.Value != "" {
				p.object(field.Path, field.Value)
			}
		}
	}
}

// Fields are what is wrong with the fields of a struct that a file is read into, as their tags say.
func Fields(of any, path string) config.Problems {
	var found problems
	found.fields(config.FieldsOf(of, path))
	return config.Problems(found)
}

func (p *problems) choice(path, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	next := "write " + oneOf(allowed)
	if near := spelling.Closest(value, allowed); near != "" && len(allowed) > 1 {
		next = "did you mean " + near + "? Allowed: " + strings.Join(allowed, ", ")
	}
	if value == "" {
		p.Add(path, "", "is missing", next)
		return
	}
	p.Add(path, value, "is not a value of this field", next)
}

func oneOf(allowed []string) string {
	if len(allowed) == 1 {
		return allowed[0]
	}
	return "one of " + strings.Join(allowed, ", ")
}

// label notes what is not a DNS label (RFC 1123) of at most longest characters.
func (p *problems) label(path, value string, longest int) {
	switch {
	case value == "":
		p.Add(path, "", "is missing", "write a name of lower-case letters, digits and dashes, for example trial")
	case !dnsLabel.MatchString(value):
		p.Add(path, value, "is not a DNS label: only lower-case letters, digits and dashes, with a letter or digit at both ends", "write "+suggest(value))
	case len(value) > longest:
		p.Add(path, value, fmt.Sprintf("has %d characters: the names that are made of it would be too long", len(value)), fmt.Sprintf("shorten it to %d", longest))
	}
}

// suggest is the label nearest to value.
func suggest(value string) string {
	label := notInLabel.ReplaceAllString(strings.ToLower(value), "-")
	if label = strings.Trim(label, "-"); label == "" {
		return "a name, for example trial"
	}
	return label
}

// object notes what is not a name of a Kubernetes object (DNS subdomain). Empty is none either.
func (p *problems) object(path, value string) {
	if len(value) > 253 || !dnsName.MatchString(value) {
		p.Add(path, value, "is not a Kubernetes name: only lower-case letters, digits, dashes and dots, with a letter or digit at both ends",
			"write the name of the object as kubectl get shows it")
	}
}
