package contain

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"lockstep/sandbox/node/program"
)

// Start runs a container in namespaces of its own, by calling self. It returns the outer end of its network device, or why there is none.
func Start(self string, c Container, log io.Writer) (*program.Running, *os.File, error) {
	environment, err := c.environment()
	if err != nil {
		return nil, nil, err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	defer ours.Close()
	running, err := program.Start(program.Command{
		Args: []string{self, Command}, Env: environment, Files: []*os.File{theirs}, Attributes: isolate,
	}, log)
	_ = theirs.Close() // or its end would not be seen when the container ends
	if err != nil {
		return nil, nil, fmt.Errorf("starting %s in namespaces of its own: %w", c.Args[0], err)
	}
	tun, err := receiveFile(ours)
	if err != nil {
		running.Stop(0)
		return nil, nil, fmt.Errorf("preparing a container: %w", err)
	}
	return running, tun, nil
}

// Available says why this machine cannot run containers, or nil.
func Available(self string) error {
	var said bytes.Buffer
	running, tun, err := Start(self, Container{Check: true, Address: probeAddress, Args: []string{"a check"}}, &said)
	if err == nil {
		_ = tun.Close()
		<-running.Done()
		if running.Code() == 0 {
			return nil
		}
		err = fmt.Errorf("exit code %d", running.Code())
	}
	if text := strings.TrimSpace(said.String()); text != "" {
		return fmt.Errorf("%s", text)
	}
	return err
}

// isolate gives a child namespaces, in which it is root and the first process: when it ends, all in it do.
func isolate(attributes *syscall.SysProcAttr) {
	attributes.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
}

func socketPair() (ours, theirs *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a pair of sockets: %w", err)
	}
	return os.NewFile(uintptr(ends[0]), "container"), os.NewFile(uintptr(ends[1]), "node"), nil
}

// receiveFile waits for the one file that the inside sends.
func receiveFile(from *os.File) (*os.File, error) {
	data, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	size, controls, _, _, err := unix.Recvmsg(int(from.Fd()), data, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("waiting for its network: %w", err)
	}
	if size == 0 {
		return nil, fmt.Errorf("it ended before it had a network")
	}
	messages, err := unix.ParseSocketControlMessage(control[:controls])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("it sent no network device: %v", err)
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("it sent no network device: %v", err)
	}
	if err := unix.SetNonblock(files[0], true); err != nil {
		return nil, fmt.Errorf("preparing its network device: %w", err)
	}
	return os.NewFile(uintptr(files[0]), "/dev/net/tun"), nil
}
