package admission_test

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"lockstep/internal/admission"
)

func TestARefusalLeadsWithItsReasonHoweverMuchItQuotes(t *testing.T) {
	quoted := strings.Repeat(`{"name":"x"} `, 1500)
	many := make(field.ErrorList, 7)
	for i := range many {
		many[i] = field.Invalid(field.NewPath("spec", "env").Index(i), quoted, "must be unique")
	}
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"decoding": {apierrors.NewBadRequest("Deployment in version \"v1\" cannot be handled as a Deployment: " + quoted + "json: cannot unmarshal object into env.value of type string"),
			[]string{"json: cannot unmarshal object into env.value of type string (the text begins with: Deployment in version"}},
		"validation": {apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "is", many),
			[]string{`Deployment "is": spec.env[0]: `, "must be unique", "spec.env[4]: ", "and 2 more"}},
		"anything else": {errors.New(quoted + "no such thing"), []string{"no such thing"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := admission.Brief(test.err)
			for _, want := range test.want {
				if !strings.Contains(got.Error(), want) {
					t.Errorf("%q is not in %s", want, got)
				}
			}
			if len(got.Error()) > 3000 {
				t.Errorf("%d characters", len(got.Error()))
			}
			if !errors.Is(got, test.err) {
				t.Error("the error itself is lost")
			}
		})
	}
	if short := errors.New("short"); admission.Brief(short) != short || admission.Brief(nil) != nil {
		t.Error("a short one is changed")
	}
}
