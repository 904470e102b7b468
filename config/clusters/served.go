package clusters

import (
	"fmt"
	"slices"

	"lockstep/config"
)

// DefaultQueue is the task queue of the cluster default where nothing else is set.
const DefaultQueue = "lockstep"

// Served are the clusters that a worker serves on one task queue.
type Served struct {
	Options
	// Names are the clusters that the worker serves. None: all that there are.
	Names []string
	// Queue is the task queue.
	Queue string
}

// Find is what the files say now of a cluster that is served here: limits and mirrors that are changed need no other worker. A file that is
// wrong keeps nobody from the clusters of the others, whose operations may have to be undone. An error is of [config.Problems] if the files
// can be read.
func (s Served) Find(name config.ClusterName) (Cluster, error) {
	set, wrong := Load(s.Options)
	c, err := set.Find(name)
	switch {
	case err != nil && wrong != nil:
		return Cluster{}, unreadable{wrong}
	case err != nil:
		return c, err
	}
	problem := config.Problem{Path: "cluster", Value: string(c.Name)}
	switch {
	case c.TaskQueue != s.Queue:
		problem.Message = fmt.Sprintf("is served on task queue %q, but this operation runs on task queue %q", c.TaskQueue, s.Queue)
		problem.Next = fmt.Sprintf("start it on task queue %q; lockstep and the API do so if their setting clusters leads to the same files", c.TaskQueue)
	case len(s.Names) > 0 && !slices.Contains(s.Names, string(c.Name)):
		problem.Message = "is not served by this worker: its setting serves does not list it"
		problem.Next = fmt.Sprintf("give the cluster a taskQueue of its own in %s and start a worker that serves it, or add it to serves", c.Where())
	default:
		return c, nil
	}
	return Cluster{}, config.Problems{problem}
}

// On are the clusters that are served here.
func (s Served) On(set Set) (all []Cluster) {
	for _, c := range set.All() {
		if c.TaskQueue == s.Queue && (len(s.Names) == 0 || slices.Contains(s.Names, string(c.Name))) {
			all = append(all, c)
		}
	}
	return all
}

// unreadable keeps what is wrong with files from being taken for what is wrong with an environment.
type unreadable struct{ error }

// Queues are the task queues on which a worker serves those clusters, in order.
func Queues(set Set, names []string) (queues []string, _ error) {
	for _, name := range names {
		if _, err := set.Find(config.ClusterName(name)); err != nil {
			return nil, fmt.Errorf("setting serves: %w", err)
		}
	}
	for _, c := range set.All() {
		if (len(names) == 0 || slices.Contains(names, string(c.Name))) && !slices.Contains(queues, c.TaskQueue) {
			queues = append(queues, c.TaskQueue)
		}
	}
	return queues, nil
}
