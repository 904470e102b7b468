package contract

import (
	"errors"
	"testing"
)

func TestEveryOpenAPIFileLoads(t *testing.T) {
	for _, file := range []string{
		"apim-4.7.0-admin-api.yaml", "apim-4.7.0-devportal-api.yaml", "apim-4.7.0-publisher-api.yaml",
		"apim-internal-data-v1-api.yaml", "is-api-resources-openapi.yaml", "is-dcr-v1.1-openapi.yaml",
		"is-oauth2-scopes-openapi.yaml",
	} {
		t.Run(file, func(t *testing.T) {
			if _, err := Load(file); errors.Is(err, ErrNoFiles) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}
