package settings

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"lockstep/config"
)

func (s Settings) check() (found config.Problems) {
	if s.TaskQueue == "" {
		found.Add("taskQueue", "", "is empty", "write a name, or remove it for the default lockstep")
	}
	if s.CacheDir == "" {
		found.Add("cacheDir", "", "is empty, and this user has no cache folder", "set cacheDir (LOCKSTEP_CACHE_DIR) to a folder that the worker may write to")
	}
	if u, err := url.Parse(s.UIURL); err != nil || u.Host == "" {
		found.Add("uiURL", s.UIURL, "is not a URL", "write it as http://localhost:8233")
	}
	if new(slog.LevelVar).UnmarshalText([]byte(s.LogLevel)) != nil {
		found.Add("logLevel", s.LogLevel, "is not a log level", "write debug, info, warn or error")
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		found.Add("logFormat", s.LogFormat, "is not a log format", "write text or json")
	}
	if s.MaxConcurrentActivities < 1 || s.MaxConcurrentActivities > 1000 {
		found.Add("maxConcurrentActivities", fmt.Sprint(s.MaxConcurrentActivities), "is out of range", "write 1 to 1000")
	}
	if limit := time.Duration(s.StopTimeout); limit < time.Second || limit > time.Hour {
		found.Add("stopTimeout", s.StopTimeout.String(), "is out of range", "write 1s to 1h, with the unit")
	}
	if err := s.Mirrors.Check(); err != nil {
		found.Add("mirrors", "", err.Error(), "")
	}
	for _, part := range []config.Problems{s.Encryption.check(), s.CodecServer.check(), s.API.check("api", 8088), s.Health.check(), s.Deployment.check()} {
		found = append(found, part...)
	}
	return found
}

func (e Encryption) check() (found config.Problems) {
	if e.Keys == "" && e.Current != "" {
		found.Add("encryption.current", e.Current, "names a key, but encryption.keys names no folder of keys",
			"set encryption.keys (LOCKSTEP_ENCRYPTION_KEYS), or remove encryption.current")
	}
	return found
}

func (h Health) check() config.Problems {
	if h.Address == "" {
		return nil
	}
	return checkAddress("health.address", h.Address, 8086)
}

// Temporal writes a version as deployment and build id with one of these in between.
const versionDelimiters = ".:"

func (d Deployment) check() (found config.Problems) {
	const next = "set deployment.name (LOCKSTEP_DEPLOYMENT_NAME), or remove "
	switch {
	case d.Name == "" && d.BuildID != "":
		found.Add("deployment.buildID", d.BuildID, "is set, but deployment.name is missing", next+"deployment.buildID")
	case d.Name == "" && d.Current:
		found.Add("deployment.current", "true", "is set, but deployment.name is missing", next+"deployment.current")
	case strings.ContainsAny(d.Name, versionDelimiters) || strings.HasPrefix(d.Name, "__"):
		found.Add("deployment.name", d.Name, "is not a name that Temporal accepts", "write it without dots and colons, and without __ at its beginning")
	case strings.HasPrefix(d.BuildID, "__"):
		found.Add("deployment.buildID", d.BuildID, "is reserved: Temporal's own build ids begin with __", "write one that does not begin with __")
	}
	return found
}
