package carbon

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"lockstep/sandbox/simulate"
)

// enter is the containers' docker-entrypoint.sh: what is mounted at wso2-config-volume and then wso2-artifact-volume is
// copied over the server's home, so the artifact volume wins and later changes of either need a restart.
func enter(env simulate.Env, product Product) (string, error) {
	work := env.Path(WorkingDirectory(env.Getenv))
	if !isDir(work) {
		return "", errors.New("WSO2 Docker non-root user home does not exist")
	}
	home := env.Path(env.Getenv("WSO2_SERVER_HOME"))
	if env.Getenv("WSO2_SERVER_HOME") == "" || !isDir(home) {
		return "", errors.New("WSO2 Docker product home does not exist")
	}
	if product.Prepare != nil {
		if err := product.Prepare(env, home); err != nil {
			return "", err
		}
	}
	for _, volume := range []string{"wso2-config-volume", "wso2-artifact-volume"} {
		from := filepath.Join(work, volume)
		if !isDir(from) {
			continue
		}
		if err := copyTree(from, home); err != nil {
			return "", fmt.Errorf("cp -RL %s/* %s/: %w", volume, env.Getenv("WSO2_SERVER_HOME"), err)
		}
	}
	return home, nil
}

// WorkingDirectory is the home of the containers' user, in the container.
func WorkingDirectory(getenv func(string) string) string {
	if dir := getenv("WORKING_DIRECTORY"); dir != "" {
		return dir
	}
	return "/home/wso2carbon"
}

// Exists says whether the container has a file at name.
func Exists(env simulate.Env, name ...string) bool {
	_, err := os.Stat(env.Path(path.Join(name...)))
	return err == nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// copyTree follows symbolic links (a mounted ConfigMap is made of them), and leaves out hidden names at the top, as
// the shell's * does.
func copyTree(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name()[0] == '.' {
			continue
		}
		if err := copyEntry(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyEntry(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyFile(from, to, info.Mode())
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	return copyTree(from, to)
}

func copyFile(from, to string, mode fs.FileMode) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode.Perm()|0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		return errors.Join(err, target.Close())
	}
	return target.Close()
}
