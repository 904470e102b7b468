package readiness

import "testing"

func TestCredentialsInALogAreMasked(t *testing.T) {
	for line, want := range map[string]string{
		`password=hunter2 user=admin`:                    `password=*** user=admin`,
		`{"client_secret": "abc def", "id": 1}`:          `{"client_secret": ***, "id": 1}`,
		`Authorization: Bearer eyJhbGciOi.abc`:           `Authorization: ***`,
		`sent Basic YWRtaW46YWRtaW4= to it`:              `sent Basic *** to it`,
		`jdbc url https://admin:hunter2@db:5432/x`:       `jdbc url https://admin:***@db:5432/x`,
		`token endpoint is https://km.example/oauth2`:    `token endpoint is https://km.example/oauth2`,
		`MountVolume failed: secret "is-keystores" gone`: `MountVolume failed: secret "is-keystores" gone`,
	} {
		if got := mask(line); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}
