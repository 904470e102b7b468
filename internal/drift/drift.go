// Package drift says in which fields what is there is not what should be, without ever showing a secret.
package drift

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Item is one thing that is not as the environment file says.
type Item struct {
	Component string `json:"component"` // step of a deployment that mends it
	Object    string `json:"object"`
	Field     string `json:"field,omitempty"` // empty: the object as a whole
	Wants     string `json:"wants"`
	Is        string `json:"is"`
	Next      string `json:"next"`
}

// Tell implements redact.Teller: values and next moves may quote what a cluster or a product answered.
func (i *Item) Tell(say func(string) string) {
	i.Wants, i.Is, i.Next = say(i.Wants), say(i.Is), say(i.Next)
}

// String is the item in a line, without what to do next.
func (i Item) String() string {
	where := i.Object
	if i.Field != "" {
		where += ", " + i.Field
	}
	if i.Field == "" && (i.Is == Missing || i.Is == NotDeployed) {
		return where + " is " + i.Is
	}
	return fmt.Sprintf("%s: is %s, should be %s", where, i.Is, i.Wants)
}

// Values of an item that are not a field's own.
const (
	Missing     = "missing"
	NotDeployed = "not deployed"
	There       = "there"
	Nothing     = "nothing"
	Hidden      = "(not shown)"
)

// Fields lists, by path, where is lacks what wants asks for; what is there beside does not matter, nor how a quantity is written. Both
// are decoded JSON. Of secrets, by their names, and of long texts only that they differ is said.
func Fields(is, wants any) []Item { return fields("", is, wants) }

// Both lists where the two differ in either way.
func Both(is, wants any) []Item {
	found := Fields(is, wants)
	for _, item := range Fields(wants, is) {
		if !slices.ContainsFunc(found, func(i Item) bool { return i.Field == item.Field || strings.HasPrefix(i.Field, item.Field+".") }) {
			found = append(found, Item{Field: item.Field, Wants: item.Is, Is: item.Wants})
		}
	}
	return found
}

func fields(path string, is, wants any) (found []Item) {
	switch wants := wants.(type) {
	case nil:
		return nil
	case map[string]any:
		have, isMap := is.(map[string]any)
		if !isMap && len(wants) > 0 {
			return one(path, is, wants)
		}
		for _, key := range slices.Sorted(maps.Keys(wants)) {
			items := fields(strings.TrimPrefix(path+"."+key, "."), have[key], wants[key])
			if name, _ := wants["name"].(string); key == "value" && secretive.MatchString(name) { // an entry of a list of settings
				items = hidden(items)
			}
			found = append(found, items...)
		}
		return found
	case []any:
		have, _ := is.([]any)
		if len(have) != len(wants) {
			return one(path, is, wants)
		}
		for i := range wants {
			found = append(found, fields(fmt.Sprintf("%s[%d]", path, i), have[i], wants[i])...)
		}
		return found
	}
	if reflect.DeepEqual(is, wants) || sameNumber(is, wants) || sameQuantity(is, wants) {
		return nil
	}
	return one(path, is, wants)
}

func hidden(items []Item) []Item {
	for i := range items {
		items[i].Wants, items[i].Is = Hidden, Hidden
	}
	return items
}

func one(path string, is, wants any) []Item {
	return []Item{{Field: path, Wants: text(path, wants, is), Is: text(path, is, wants)}}
}

// secretive are the names of fields whose values are not shown; values of environment variables may be anything.
var secretive = regexp.MustCompile(`(?i)(password|passwd|passphrase|token|secret|credentials?|key)$|\.env\[\d+\]\.value$`)

func text(path string, value, other any) string {
	switch v := value.(type) {
	case nil:
		return Nothing
	case map[string]any:
		return fmt.Sprintf("%d fields", len(v))
	case []any:
		return fmt.Sprintf(entries, len(v))
	case string:
		switch {
		case secretive.MatchString(path):
			return Hidden
		case strings.Contains(v, "\n"):
			return fmt.Sprintf("a text of %d lines%s", strings.Count(v, "\n")+1, from(v, other))
		case v == "":
			return `""`
		}
	}
	if secretive.MatchString(path) {
		return Hidden
	}
	return fmt.Sprint(value)
}

// Added says whether a list has more entries than are wanted.
func (i Item) Added() bool {
	var is, wants int
	_, errIs := fmt.Sscanf(i.Is, entries, &is)
	_, errWants := fmt.Sscanf(i.Wants, entries, &wants)
	return errIs == nil && errWants == nil && is > wants
}

// entries is how a list is shown.
const entries = "%d entries"

// from says from which line on a text is another one.
func from(text string, other any) string {
	against, isText := other.(string)
	if !isText {
		return ""
	}
	theirs := strings.Split(against, "\n")
	for i, line := range strings.Split(text, "\n") {
		if i >= len(theirs) || line != theirs[i] {
			return fmt.Sprintf(", another from line %d on", i+1)
		}
	}
	return ""
}

func sameNumber(a, b any) bool {
	number := func(v any) (float64, bool) {
		switch v := v.(type) {
		case int64:
			return float64(v), true
		case float64:
			return v, true
		}
		return 0, false
	}
	x, isNumber := number(a)
	y, both := number(b)
	return isNumber && both && x == y
}

func sameQuantity(a, b any) bool {
	parse := func(v any) (resource.Quantity, bool) {
		switch v.(type) {
		case string, int64, float64:
		default:
			return resource.Quantity{}, false
		}
		q, err := resource.ParseQuantity(fmt.Sprint(v))
		return q, err == nil
	}
	x, isQuantity := parse(a)
	y, both := parse(b)
	return isQuantity && both && x.Cmp(y) == 0
}
