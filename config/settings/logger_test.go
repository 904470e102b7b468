package settings

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestTheLogHasTheLevelAndFormatOfTheSettings(t *testing.T) {
	var text, structured bytes.Buffer
	warnings := Settings{LogLevel: "warn", LogFormat: "text"}.Logger(&text)
	warnings.Info("Worker ready")
	warnings.Warn("Slow")
	if got := text.String(); strings.Contains(got, "Worker ready") || !strings.Contains(got, "level=WARN msg=Slow") {
		t.Errorf("text: %q", got)
	}
	Settings{LogLevel: "debug", LogFormat: "json"}.Logger(&structured).Debug("Worker ready", "taskQueue", "lockstep")
	var line map[string]any
	if err := json.Unmarshal(structured.Bytes(), &line); err != nil || line["msg"] != "Worker ready" || line["taskQueue"] != "lockstep" {
		t.Errorf("%v: %q", err, structured.String())
	}
}
