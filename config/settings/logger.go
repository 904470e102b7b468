package settings

import (
	"io"
	"log/slog"
)

// Logger writes to out at the level and in the format of the settings.
func (s Settings) Logger(out io.Writer) *slog.Logger {
	var level slog.LevelVar
	_ = level.UnmarshalText([]byte(s.LogLevel)) // checked when it was loaded
	options := &slog.HandlerOptions{Level: &level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
