package workflows

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/config/operation"
	"lockstep/workflows/workflowstest"
)

func TestEveryOperationIsAWorkflowThatTakesItsOptions(t *testing.T) {
	want := map[string][]string{TypeScheduled: fieldsOf(reflect.TypeFor[ScheduledOptions]())}
	for _, row := range operation.All() {
		want[row.Type] = nil
		for _, option := range row.Options {
			if len(option.Field) == 0 { // else it is in the environment
				want[row.Type] = append(want[row.Type], option.Name)
			}
		}
	}
	got := map[string][]string{}
	for _, w := range all() {
		name := runtime.FuncForPC(reflect.ValueOf(w).Pointer()).Name()
		input := reflect.TypeOf(w).In(1)
		set, _ := input.FieldByName("Options")
		name = name[strings.LastIndex(name, ".")+1:]
		got[name] = fieldsOf(set.Type)
		if of := reflect.Zero(set.Type).Interface().(optionSet).of(); of != name {
			t.Errorf("the options of %s say that they are of %s", name, of)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations and their options, in the catalogue and as workflows (-want +got):\n%s", diff)
	}
}

func TestTheExampleOfAnInputIsOne(t *testing.T) {
	for _, row := range operation.All() {
		text, _, _ := strings.Cut(row.Example(), ", with")
		o := newOperation(t, "typed-by-hand")
		o.ExecuteWorkflow(row.Type, typed(t, text))
		if err := o.GetWorkflowError(); err != nil && slices.Contains([]string{"InvalidConfig"}, workflowstest.TypeOf(err)) && strings.Contains(err.Error(), "the input of") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
