package contain

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// probeAddress is that of a container which only sees whether it could be.
var probeAddress = netip.AddrFrom4([4]byte{10, 0, 0, 2})

// nodeSocket is where the node waits for the network device: the first file after the standard ones.
const nodeSocket = 3

// Inside becomes the program of the container that the environment variable Variable describes. It returns only if that fails.
func Inside() error {
	c, err := parse(os.Getenv(Variable))
	if err != nil {
		return err
	}
	unix.CloseOnExec(nodeSocket)
	if err := network(c.Address); err != nil {
		return err
	}
	if c.Check {
		return mountable()
	}
	if err := unix.Sethostname([]byte(c.Host)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := files(c); err != nil {
		return err
	}
	if err := endWithNode(); err != nil {
		return err
	}
	err = syscall.Exec(c.At, c.Args, c.Env)
	return fmt.Errorf("running %s: %w", c.At, err)
}

// endWithNode has the kernel kill this process when the node dies. The node asked for that already, but of the thread with which this process
// began, and another one may be what becomes the program.
func endWithNode() error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tying the program to the node: %w", err)
	}
	return nil
}

// network makes the container's device, gives it the pod's address, and sends its other end to the node.
func network(address netip.Addr) error {
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	device, err := unix.NewIfreq("eth0")
	if err != nil {
		return err
	}
	device.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(tun, unix.TUNSETIFF, device); err != nil {
		return fmt.Errorf("making a network device: %w", err)
	}
	if err := configure(address); err != nil {
		return err
	}
	if err := unix.Sendmsg(nodeSocket, []byte{0}, unix.UnixRights(tun), nil, 0); err != nil {
		return fmt.Errorf("handing over the network device: %w", err)
	}
	return unix.Close(tun)
}

// configure sets up the devices: all of the cluster, 10.0.0.0/8, is behind eth0.
func configure(address netip.Addr) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	for _, setting := range []struct {
		device  string
		request uint
		set     func(*unix.Ifreq) error
	}{
		{"lo", unix.SIOCSIFFLAGS, up},
		{"eth0", unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(address.AsSlice()) }},
		{"eth0", unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 0, 0, 0}) }},
		{"eth0", unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(mtu); return nil }},
		{"eth0", unix.SIOCSIFFLAGS, up},
	} {
		request, err := unix.NewIfreq(setting.device)
		if err != nil {
			return err
		}
		if err := setting.set(request); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, setting.request, request); err != nil {
			return fmt.Errorf("configuring network device %s: %w", setting.device, err)
		}
	}
	return nil
}

func up(r *unix.Ifreq) error {
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return nil
}

// libraries are the host's folders that a program which is not static is linked with.
var libraries = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64"}

// files makes the container's files its root.
func files(c Container) error {
	if err := private(); err != nil {
		return err
	}
	for _, library := range libraries {
		if err := show(library, c.Root); err != nil {
			return err
		}
	}
	for _, shared := range c.Binds {
		target := filepath.Join(c.Root, filepath.Clean("/"+shared.To))
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := bind(shared.From, target); err != nil {
			return err
		}
	}
	if err := bind(c.Program, filepath.Join(c.Root, c.At)); err != nil {
		return err
	}
	if err := devices(filepath.Join(c.Root, "dev")); err != nil {
		return err
	}
	if err := processes(filepath.Join(c.Root, "proc")); err != nil {
		return err
	}
	if err := unix.Chroot(c.Root); err != nil {
		return fmt.Errorf("changing root: %w", err)
	}
	return os.Chdir("/")
}

// mountable is what files needs of the machine.
func mountable() error {
	if err := private(); err != nil {
		return err
	}
	return bind("/dev/null", "/dev/null")
}

// private keeps what is mounted here from being mounted elsewhere.
func private() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return nil
}

func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", from, to, err)
	}
	return nil
}

// show has a folder of the host, or a link, at the same place below root.
func show(path, root string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // not every system has all of them
	}
	target := filepath.Join(root, path)
	if info.Mode()&os.ModeSymlink != 0 {
		link, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if err := os.Symlink(link, target); err != nil && !os.IsExist(err) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	return bind(path, target)
}

// devices are those that programs use, and shared memory of their own.
func devices(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return fmt.Errorf("mounting %s: %w", dir, err)
	}
	for _, device := range []string{"null", "zero", "random", "urandom"} {
		target := filepath.Join(dir, device)
		if err := os.WriteFile(target, nil, 0o600); err != nil {
			return err
		}
		if err := bind(filepath.Join("/dev", device), target); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{"stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dir, "shm"), 0o777)
}

// processes shows the container's own, or where that is not allowed, as in some containers, the host's.
func processes(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if unix.Mount("proc", dir, "proc", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, "") == nil {
		return nil
	}
	return bind("/proc", dir)
}
