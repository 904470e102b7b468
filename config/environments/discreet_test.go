package environments_test

import (
	"strings"
	"testing"

	"lockstep/config/environments"
)

func TestASecretInTheWrongPlaceIsNotRepeated(t *testing.T) {
	for _, text := range []string{"credentials: hunter2", "credentials: {secret: 'S3cret hunter2!'}", "apiManager: {values: hunter2}",
		"image: {credentials: hunter2}", "image: {credentials: {secret: 'hunter2 !'}}"} {
		_, err := environments.Parse([]byte("apiVersion: lockstep/v1\nname: dev\n"+text+"\n"), nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
