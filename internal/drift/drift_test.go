package drift

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFieldsSaysWhatIsMissingOrOtherwiseAndNothingOfWhatIsThereBeside(t *testing.T) {
	is := map[string]any{"replicas": int64(1), "cpu": "1", "added": "by the server", "list": []any{"a", map[string]any{"b": "c", "default": true}}, "text": "a\nb\nc"}
	wants := map[string]any{"replicas": int64(2), "cpu": "1000m", "list": []any{"a", map[string]any{"b": "d"}}, "text": "a\nx\nc", "gone": map[string]any{"a": 1}, "empty": map[string]any{}}
	want := []Item{
		{Field: "gone", Wants: "1 fields", Is: "nothing"},
		{Field: "list[1].b", Wants: "d", Is: "c"},
		{Field: "replicas", Wants: "2", Is: "1"},
		{Field: "text", Wants: "a text of 3 lines, another from line 2 on", Is: "a text of 3 lines, another from line 2 on"},
	}
	if diff := cmp.Diff(want, Fields(is, wants)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsEqualHasNoFields(t *testing.T) {
	same := map[string]any{"port": int64(443), "names": []any{"a"}, "nothing": nil}
	if found := Both(same, map[string]any{"port": float64(443), "names": []any{"a"}}); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

func TestBothAlsoSaysWhatIsNotWanted(t *testing.T) {
	found := Both(map[string]any{"a": "1", "old": "x"}, map[string]any{"a": "2"})
	if diff := cmp.Diff([]Item{{Field: "a", Wants: "2", Is: "1"}, {Field: "old", Wants: "nothing", Is: "x"}}, found); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	is := map[string]any{"adminPassword": "hunter2", "encryption": map[string]any{"key": "hunter2"}, "clientSecret": "hunter2",
		"settings":   []any{map[string]any{"name": "DB_PASSWORD", "value": "hunter2"}},
		"containers": []any{map[string]any{"env": []any{map[string]any{"name": "X", "value": "hunter2"}}}}}
	wants := map[string]any{"adminPassword": "hunter3", "encryption": map[string]any{"key": "hunter3"}, "clientSecret": "hunter3",
		"settings":   []any{map[string]any{"name": "DB_PASSWORD", "value": "hunter3"}},
		"containers": []any{map[string]any{"env": []any{map[string]any{"name": "X", "value": "hunter3"}}}}}
	found := Fields(is, wants)
	if len(found) != 5 {
		t.Errorf("%d: %v", len(found), found)
	}
	for _, item := range found {
		if strings.Contains(item.String(), "hunter") {
			t.Error(item)
		}
	}
}

func TestAnItemIsASentenceWithItsSubjectFirst(t *testing.T) {
	for want, item := range map[string]Item{
		"HTTPRoute apim/is is missing":                              {Object: "HTTPRoute apim/is", Wants: There, Is: Missing},
		"environment ux4 is not deployed":                           {Object: "environment ux4", Wants: "deployed", Is: NotDeployed},
		"Deployment apim/is, spec.replicas: is 1, should be 2":      {Object: "Deployment apim/is", Field: "spec.replicas", Wants: "2", Is: "1"},
		"image x/wso2is-km:dev: is nothing, should be sha256:01":    {Object: "image x/wso2is-km:dev", Wants: "sha256:01", Is: Nothing},
		"ConfigMap apim/toml, data: is nothing, should be 2 fields": {Object: "ConfigMap apim/toml", Field: "data", Wants: "2 fields", Is: Nothing},
	} {
		if got := item.String(); got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}
