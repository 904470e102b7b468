package realnode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Namespaces are the attributes of the process that runs [Init].
func Namespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
	}
}

// Init is the first process of the node: it waits for a line on stdin, which says that the cable lies, prepares the namespaces, runs command until that
// ends, and waits for whatever other process loses its parent, as a first process has to. ctx ends the command.
func Init(ctx context.Context, dir string, stdin io.Reader, command *exec.Cmd) error {
	if _, err := bufio.NewReader(stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("waiting for the node's cable: %w", err)
	}
	if err := mount(dir); err != nil {
		return err
	}
	if err := connectInside(); err != nil {
		return err
	}
	if err := makeCgroup(); err != nil {
		return err
	}
	command.Env = withoutProxies(os.Environ())
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = command.Process.Signal(syscall.SIGTERM) })()
	return reap(command.Process.Pid)
}

// reap waits for children until the one with pid ends.
func reap(pid int) error {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("waiting for the node: %w", err)
		case ended == pid && status.ExitStatus() != 0:
			return fmt.Errorf("the node ended with status %d", status.ExitStatus())
		case ended == pid:
			return nil
		}
	}
}

// withoutProxies is for programs whose addresses are all near.
func withoutProxies(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if name, _, _ := strings.Cut(variable, "="); !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// mount gives the node a /proc, /run, /var/lib and /var/log of its own. What it mounts itself is nobody else's.
func mount(dir string) error {
	folder := filepath.Join(dir, Folder)
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"none", "/", "", syscall.MS_REC | syscall.MS_PRIVATE},
		{"none", "/", "", syscall.MS_REC | syscall.MS_SHARED}, // among the node's containers, which may ask for that
		{"proc", "/proc", "proc", 0},
		{"tmpfs", "/run", "tmpfs", 0},
		{filepath.Join(folder, "var-lib"), "/var/lib", "", syscall.MS_BIND},
		{filepath.Join(folder, "var-log"), "/var/log", "", syscall.MS_BIND},
	} {
		if m.flags == syscall.MS_BIND {
			if err := makeFolder(m.source); err != nil {
				return err
			}
		}
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mounting %s of the node: %w", m.target, err)
		}
	}
	return hideKernel(folder)
}

// hideKernel lets the kubelet find the settings of the kernel that it wants, for it would write them otherwise, and they are the
// machine's.
func hideKernel(folder string) error {
	for name, value := range map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0",
		"kernel/panic": "10", "kernel/panic_on_oops": "1", "kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		file := filepath.Join(folder, "sys", strings.ReplaceAll(name, "/", "."))
		if err := makeFolder(filepath.Dir(file)); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return fmt.Errorf("writing settings of the kernel: %w", err)
		}
		if err := syscall.Mount(file, "/proc/sys/"+name, "", syscall.MS_BIND, ""); err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("mounting settings of the kernel: %w", err)
		}
	}
	return nil
}

// Remove takes away what outlasts the node's first process, which has ended: its cgroups. Files are the caller's. With the cable of another
// node here, all that is there is the other's.
func Remove() error {
	if !unplugged() {
		return nil
	}
	return removeCgroup()
}
