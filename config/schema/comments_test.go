package schema

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"lockstep/config"
)

// A default stands in the comment of its field, from which the schema and the editors' help come.
func TestEveryDefaultIsInTheCommentOfItsField(t *testing.T) {
	comments, err := readComments(config.Sources()...)
	if err != nil {
		t.Fatal(err)
	}
	var env config.Environment
	env.Default()
	said(t, comments, reflect.ValueOf(env))
}

func said(t *testing.T, comments typeComments, of reflect.Value) {
	for field, value := range of.Fields() {
		if value.Kind() == reflect.Struct {
			said(t, comments, value)
			continue
		}
		if value.Kind() == reflect.Pointer && !value.IsNil() {
			value = value.Elem()
		}
		if value.IsZero() || value.Kind() == reflect.Slice {
			continue
		}
		where := of.Type().Name() + "." + field.Name
		whole := comments[where] + comments[of.Type().Name()]
		text := fmt.Sprint(value.Interface())
		// Versions and names of charts stand beside each other in the comment of their chart.
		if of.Type() == reflect.TypeFor[config.Chart]() {
			continue
		}
		if !strings.Contains(whole, text) {
			t.Errorf("the comment of %s does not say its default, %s: %q", where, text, whole)
		}
	}
}
