package realnode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// cgroup is the parent of all pods' cgroups.
const cgroup = "/lockstep-node"

const cgroups = "/sys/fs/cgroup"

// cgroupFolders are the node's cgroup in each hierarchy: one with version 2, one a controller with version 1.
func cgroupFolders() ([]string, error) {
	if _, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers")); err == nil {
		return []string{cgroups + cgroup}, nil
	}
	hierarchies, err := filepath.Glob(cgroups + "/*")
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, hierarchy := range hierarchies {
		if info, err := os.Lstat(hierarchy); err == nil && info.IsDir() { // cpu and cpuacct are often links to one hierarchy
			folders = append(folders, hierarchy+cgroup)
		}
	}
	return folders, nil
}

// makeCgroup makes the cgroup, for the kubelet wants it there.
func makeCgroup() error {
	folders, err := cgroupFolders()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := makeFolder(folder); err != nil {
			return err
		}
		for _, controller := range []string{"+cpu", "+cpuset", "+io", "+memory", "+pids", "+hugetlb"} { // version 2; not every kernel has all
			_ = os.WriteFile(filepath.Join(filepath.Dir(folder), "cgroup.subtree_control"), []byte(controller), 0o644)
			_ = os.WriteFile(filepath.Join(folder, "cgroup.subtree_control"), []byte(controller), 0o644)
		}
	}
	return nil
}

// removeCgroup removes the cgroup with all below it. Nothing runs in them any more, but the kernel may not have noticed yet.
func removeCgroup() error {
	folders, err := cgroupFolders()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		deadline := time.Now().Add(10 * time.Second)
		for {
			if err = removeEmpty(folder); err == nil {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("removing cgroup of the node: %w", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return nil
}

// removeEmpty removes folders from the innermost. The files in a cgroup are not files, and go with it.
func removeEmpty(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, folder := range slices.Backward(folders) {
		if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
