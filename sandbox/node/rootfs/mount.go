package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Mount puts volumes, given by name with their directories, at their mount paths below root, shallow ones first. A
// mounted directory hides the image's. What an emptyDir holds is shared, so it is linked; the others are copied.
func Mount(root string, volumes map[string]string, shared map[string]bool, mounts []corev1.VolumeMount) error {
	mounts = slices.Clone(mounts)
	slices.SortStableFunc(mounts, func(a, b corev1.VolumeMount) int {
		return strings.Count(filepath.Clean(a.MountPath), "/") - strings.Count(filepath.Clean(b.MountPath), "/")
	})
	for _, mount := range mounts {
		source := filepath.Join(volumes[mount.Name], filepath.Clean("/"+mount.SubPath))
		target := filepath.Join(root, filepath.Clean("/"+mount.MountPath))
		if err := mountOne(source, target, shared[mount.Name]); err != nil {
			return fmt.Errorf("mounting volume %q at %s: %w", mount.Name, mount.MountPath, err)
		}
	}
	return nil
}

func mountOne(source, target string, shared bool) error {
	info, err := os.Stat(source)
	if errors.Is(err, fs.ErrNotExist) {
		// A subPath that the volume does not have becomes an empty directory, on a real node too: the classic sign of
		// a key that a Secret lacks.
		if err = os.MkdirAll(source, 0o755); err == nil {
			info, err = os.Stat(source)
		}
	}
	if err != nil {
		return err
	}
	existing, err := os.Stat(target)
	if err == nil && existing.IsDir() != info.IsDir() {
		return errors.New("not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type")
	}
	if err := Remove(target); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if shared {
		return os.Symlink(source, target)
	}
	return Copy(source, target)
}
