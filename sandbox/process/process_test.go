package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func shell(t *testing.T, script string) Spec {
	t.Helper()
	return Spec{Name: "child", Path: "/bin/sh", Args: []string{"-c", script}, Log: filepath.Join(t.TempDir(), "child.log")}
}

func TestTheEndOfAChildIsToldWithTheEndOfItsLog(t *testing.T) {
	p, err := Start(shell(t, "seq 1 100; echo out of order >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	got := p.Err().Error()
	for _, want := range []string{"child ended (exit status 3)", "\n100\nout of order"} {
		if !strings.Contains(got, want) {
			t.Errorf("error does not say %q: %s", want, got)
		}
	}
	if strings.Contains(got, "\n50\n") {
		t.Error("error holds more than the end of the log")
	}
}

func TestWaitingForAChildStopsWhenItEnds(t *testing.T) {
	p, err := Start(shell(t, "exit 1"))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Ready(context.Background(), func(context.Context) error { return errors.New("not yet") })
	if err == nil || !strings.Contains(err.Error(), "child ended") {
		t.Errorf("got %v", err)
	}
}

func TestAChildThatIgnoresTheRequestToStopIsKilled(t *testing.T) {
	p, err := Start(shell(t, "trap '' TERM; echo trapped; while :; do sleep 1; done"))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Ready(context.Background(), func(context.Context) error {
		if !strings.Contains(Tail(p.spec.Log, 1), "trapped") {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(100 * time.Millisecond)
	if p.ID.Alive() {
		t.Error("the child is alive after Stop")
	}
}

func TestAnIDIsOfOneProcessOnly(t *testing.T) {
	id, err := Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !id.Alive() {
		t.Error("this process is not alive")
	}
	recycled := id
	recycled.Started += "0"
	if recycled.Alive() {
		t.Error("a process of the same pid and another start time counts as the same")
	}
	if !recycled.Stop(time.Minute) { // must signal nothing: it would be this process
		t.Error("stopping a process that has gone reports a failure")
	}
}

func TestAProcessThatIsNoChildCanBeStopped(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := StartChild(cmd); err != nil {
		t.Fatal(err)
	}
	go cmd.Wait()
	id, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if !id.Stop(5*time.Second) || id.Alive() {
		t.Error("the process did not stop")
	}
}
