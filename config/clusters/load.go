package clusters

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/mirror"
	"lockstep/config/spelling"
	"lockstep/config/strictyaml"
	"lockstep/config/valuesfile"
)

// Options say where clusters come from.
type Options struct {
	// Folder has a file for each cluster: those are all there are. Empty: there is the cluster default alone.
	Folder string
	// TaskQueue and Kubeconfig are those of the cluster default, as far as its file says nothing.
	TaskQueue, Kubeconfig string
	// Mirrors are those of all clusters.
	Mirrors mirror.Map
}

// Set are clusters by name.
type Set struct {
	options Options
	all     map[config.ClusterName]Cluster
}

// Load reads the clusters. What is wrong with their files comes all at once, beside the clusters of the others.
func Load(o Options) (Set, error) {
	s := Set{options: o, all: map[config.ClusterName]Cluster{}}
	if o.Folder == "" {
		only := Cluster{APIVersion: config.APIVersion, Kind: Kind, Name: config.DefaultCluster}
		s.complete(&only)
		s.all[only.Name] = only
		return s, nil
	}
	files, err := filesIn(o.Folder)
	if err != nil {
		return Set{}, err
	}
	var wrong []error
	var disputed []config.ClusterName // of two files nobody knows which is meant
	for _, file := range files {
		c, err := s.read(file)
		if err == nil {
			if disputes := s.add(c); disputes != nil {
				disputed, err = append(disputed, c.Name, disputes.with), disputes
			}
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("cluster file %s: %w", file, err))
		}
	}
	for _, name := range disputed {
		delete(s.all, name)
	}
	if len(wrong) == 0 && len(files) == 0 {
		wrong = append(wrong, fmt.Errorf("the folder of clusters, %s, has no file that ends in .yaml: put one of kind Cluster there, or remove the setting clusters (LOCKSTEP_CLUSTERS)", o.Folder))
	}
	return s, errors.Join(wrong...)
}

func filesIn(folder string) (files []string, _ error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the folder of clusters: %w; set clusters (LOCKSTEP_CLUSTERS) to a folder with files of kind Cluster", err)
	}
	for _, entry := range entries {
		if extension := filepath.Ext(entry.Name()); (extension == ".yaml" || extension == ".yml") && !entry.IsDir() {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	return files, nil
}

func (s Set) read(file string) (Cluster, error) {
	data, err := valuesfile.ReadFile(file)
	if err != nil {
		return Cluster{}, err
	}
	return s.parse(data, file)
}

func (s Set) parse(data []byte, file string) (Cluster, error) {
	c := Cluster{file: file}
	lines, found := strictyaml.Decode(data, &c, "a cluster")
	if lines == nil {
		return c, found.Err()
	}
	gateway := config.Part{Name: "gateway", Values: &c.Gateway.Values, ValuesFile: &c.Gateway.ValuesFile}
	found = append(found, valuesfile.Fold(gateway, "cluster file", valuesfile.Beside(file))...)
	s.complete(&c)
	found = append(found, check(c)...)
	for i := range found {
		if found[i].Line == 0 {
			found[i].Line = lines[found[i].Path]
		}
	}
	slices.SortStableFunc(found, func(a, b config.Problem) int { return cmp.Compare(a.Line, b.Line) })
	return c, found.Err()
}

// complete fills in what is left open, and makes paths absolute.
func (s Set) complete(c *Cluster) {
	for _, path := range []*string{&c.Kubeconfig, &c.Charts, &c.Gateway.Chart.Path} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(filepath.Dir(c.file), *path)
		}
	}
	if c.said = c.TaskQueue != ""; !c.said {
		c.TaskQueue = s.defaultQueue(c.Name)
	}
	if c.Name == config.DefaultCluster && c.Kubeconfig == "" {
		c.Kubeconfig = s.options.Kubeconfig
	}
	mirrors := maps.Clone(s.options.Mirrors)
	if mirrors == nil {
		mirrors = mirror.Map{}
	}
	maps.Copy(mirrors, c.Mirrors)
	c.Mirrors = mirrors
	c.Gateway.Default()
}

// dispute is what a file says that another one says too.
type dispute struct {
	config.Problems
	with config.ClusterName
}

// Unwrap gives the problems as they are.
func (d *dispute) Unwrap() error { return d.Problems }

// add refuses a name, and a way to a cluster, that another file has.
func (s Set) add(c Cluster) *dispute {
	for _, other := range s.All() {
		if other.Name == c.Name {
			return &dispute{with: other.Name, Problems: config.Problems{{Path: "name", Value: string(c.Name), Message: "is also the name in " + other.file, Next: "give one of the two another name, or remove one of the files"}}}
		}
		if other.Kubeconfig == c.Kubeconfig && other.Context == c.Context {
			return &dispute{with: other.Name, Problems: config.Problems{{Path: "kubeconfig", Value: c.Kubeconfig, Message: fmt.Sprintf("leads to the same cluster as the kubeconfig of %s, whose name is %q: a cluster has one name only, because a second one could have other limits",
				other.file, other.Name), Next: "write another kubeconfig or context, or remove one of the files"}}}
		}
	}
	s.all[c.Name] = c
	return nil
}

// All are the clusters in order of their names.
func (s Set) All() []Cluster {
	return slices.SortedFunc(maps.Values(s.all), func(a, b Cluster) int { return strings.Compare(string(a.Name), string(b.Name)) })
}

// Names are those of the clusters.
func (s Set) Names() (names []string) {
	for _, c := range s.All() {
		names = append(names, string(c.Name))
	}
	return names
}

// Known says whether the clusters come from files: then those are all there are.
func (s Set) Known() bool { return s.options.Folder != "" }

// Find is the cluster of that name.
func (s Set) Find(name config.ClusterName) (Cluster, error) {
	if name == "" {
		name = config.DefaultCluster
	}
	if c, found := s.all[name]; found {
		return c, nil
	}
	problem := config.Problem{Path: "cluster", Value: string(name), Message: "is not a cluster of this worker"}
	if strings.HasPrefix(string(name), "{") { // see [config.ClusterName.UnmarshalJSON]
		problem.Message = "is a kubeconfig or a context, but an environment now names only its cluster"
		problem.Next = "let whoever runs the worker put them into a file of kind Cluster (docs/clusters.md), write the cluster's name, and start the operation again"
		return Cluster{}, config.Problems{problem}
	}
	problem.Next = "write one of " + strings.Join(s.Names(), ", ") + ", or let whoever runs the worker put a file of kind Cluster with that name into the folder that the setting clusters names (docs/clusters.md)"
	if near := spelling.Closest(string(name), s.Names()); near != "" {
		problem.Next = "did you mean " + near + "?"
	}
	return Cluster{}, config.Problems{problem}
}

// Queue is the task queue on which operations on a cluster are carried out. Without a file it follows from the name.
func (s Set) Queue(name config.ClusterName) string {
	if c, err := s.Find(name); err == nil {
		return c.TaskQueue
	}
	return s.defaultQueue(name)
}

// Says tells whether files say the task queue of a cluster. Otherwise it follows from the name or the setting taskQueue, and another machine may
// know better.
func (s Set) Says(name config.ClusterName) bool {
	c, err := s.Find(name)
	return err == nil && c.file != "" && (c.Name != config.DefaultCluster || c.said)
}

func (s Set) defaultQueue(name config.ClusterName) string {
	if name == config.DefaultCluster || name == "" {
		return cmp.Or(s.options.TaskQueue, DefaultQueue)
	}
	return "lockstep-" + string(name)
}
