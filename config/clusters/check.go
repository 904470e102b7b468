package clusters

import (
	"fmt"
	"os"
	"path"
	"strings"

	"lockstep/config"
	"lockstep/config/validation"
)

// check says what is wrong with a file.
func check(c Cluster) (found config.Problems) {
	fields := c
	fields.Gateway = config.Controller{} // has rules of its own
	for _, problem := range validation.Fields(fields, "") {
		if !strings.HasPrefix(problem.Path, "gateway") {
			found = append(found, problem)
		}
	}
	found = append(found, validation.Controller(c.Gateway)...)
	if len(c.TaskQueue) > 1000 || strings.ContainsAny(c.TaskQueue, "\n\t ") {
		found.Add("taskQueue", "", "is not a name for a task queue", "write a short name without spaces, for example lockstep-"+string(c.Name))
	}
	if err := c.Mirrors.Check(); err != nil {
		found.Add("mirrors", "", err.Error(), "correct it, for example docker.io: https://mirror.example.com")
	}
	for i, host := range c.PlainHTTP {
		if host == "" || strings.ContainsAny(host, "/@ ") {
			found.Add(fmt.Sprintf("plainHTTP[%d]", i), host, "is not a host", "write host or host:port, without scheme and path")
		}
	}
	if info, err := os.Stat(c.Charts); c.Charts != "" && (err != nil || !info.IsDir()) {
		found.Add("charts", c.Charts, "is not a folder that can be read", "write the path of a folder of charts, relative to this file")
	}
	return append(found, c.Allow.check()...)
}

func (a Allow) check() (found config.Problems) {
	for field, patterns := range map[string][]string{"namespaces": a.Namespaces, "caNamespaces": a.CANamespaces, "artifactHosts": a.ArtifactHosts} {
		for i, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				found.Add(fmt.Sprintf("allow.%s[%d]", field, i), pattern, "is not a pattern", "write a name, with * for any part of it, for example team-a-*")
			}
		}
	}
	for i, source := range a.ChartSources {
		if scheme, rest, has := strings.Cut(source, "://"); !has || rest == "" || scheme != "oci" && scheme != "http" && scheme != "https" {
			found.Add(fmt.Sprintf("allow.chartSources[%d]", i), source, "is not a source of charts", "write https://host/path of a chart repository, or oci://registry/path")
		}
	}
	for i, registry := range a.ImageRegistries {
		if registry == "" || strings.Contains(registry, "://") || strings.ContainsAny(registry, "@ *") {
			found.Add(fmt.Sprintf("allow.imageRegistries[%d]", i), registry, "is not a registry", "write registry or registry/path, for example docker.io/wso2")
		}
	}
	return found
}
