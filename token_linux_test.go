package skep_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/token"
)

// inNamespace is set in the process that TestToken starts in a user namespace.
const inNamespace = "SKEP_TEST_TOKEN"

// TestToken loads in a user namespace, with the rights that a bpffs delegates.
// The file system is opened there, given its options here, where only the
// first namespace's CAP_SYS_ADMIN may, and mounted there.
func TestToken(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		loadWithToken(t)
		return
	}
	needKernel(t)
	testutil.Require(t, "6.9", "CONFIG_USER_NS")
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestToken$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{Size: 1}},
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	delegated := delegate(ours)
	err = cmd.Wait()
	if delegated != nil || err != nil || !strings.Contains(out.String(), "--- PASS: TestToken") {
		t.Fatalf("delegate: %v, child: %v\n%s", delegated, err, out.String())
	}
}

// delegate gives the file system that comes through a socket its options.
func delegate(f *os.File) error {
	fs, err := receive(f)
	if err != nil {
		return err
	}
	defer fs.Close()
	raw, err := fs.Borrow()
	if err != nil {
		return err
	}
	defer fs.Release()
	for option, value := range map[string]string{
		"delegate_cmds": "prog_load:map_create:btf_load", "delegate_maps": "array:percpu_array:xskmap:devmap:cpumap:hash",
		"delegate_progs": "xdp", "delegate_attachs": "any",
	} {
		// Linux 6.9 knows numbers and "any" alone.
		if err := sys.FsconfigSet(raw, option, value); err != nil {
			if err = sys.FsconfigSet(raw, option, "any"); err != nil {
				return fmt.Errorf("%s: %w", option, err)
			}
		}
	}
	if err := sys.FsconfigCreate(raw); err != nil {
		return err
	}
	_, err = f.Write([]byte("go on"))
	return err
}

func receive(f *os.File) (*sys.FD, error) {
	oob := make([]byte, syscall.CmsgSpace(4))
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_, n, _, _, err := c.(*net.UnixConn).ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("%d messages, %w", len(messages), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return sys.NewFD(fds[0])
}

// loadWithToken is what goes on in the namespace.
func loadWithToken(t *testing.T) {
	// Held to the end: collected, a descriptor that goes looks like a leak.
	f := os.NewFile(3, "theirs")
	defer f.Close()
	fs, err := sys.Fsopen("bpf")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := fs.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.(*net.UnixConn).WriteMsgUnix([]byte{0}, syscall.UnixRights(raw), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	mount, err := sys.Fsmount(raw)
	if err != nil {
		t.Fatal(err)
	}
	mfd, err := mount.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", mfd)

	s := open(t, native("xdp"))
	if coll, err := skep.Load(s, nil); !errors.Is(err, sys.EPERM) {
		coll.Close()
		t.Fatalf("without a token: %v", err)
	}
	tok, err := token.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	coll, err := skep.Load(s, &skep.Options{Token: tok})
	if err != nil {
		t.Fatal(err)
	}
	for name := range s.Programs {
		p, err := coll.Clone(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	coll.Close()
	tok.Close()
	tokenFaults(t, path, s)

	t.Setenv("LIBBPF_BPF_TOKEN_PATH", path)
	if coll, err = skep.Load(s, nil); err != nil {
		t.Fatalf("with the token of the environment: %v", err)
	}
	coll.Close()
	t.Setenv("LIBBPF_BPF_TOKEN_PATH", t.TempDir())
	_, err = skep.Load(s, nil)
	var step *skep.StepError
	if !errors.As(err, &step) || step.Step != "token" || !strings.Contains(err.Error(), "LIBBPF_BPF_TOKEN_PATH") {
		t.Errorf("not a bpffs: %v", err)
	}
	t.Setenv("LIBBPF_BPF_TOKEN_PATH", path)
	if _, err := skep.Load(open(t, native("off")), nil); err == nil {
		t.Log("this kernel delegates any type")
	} else if !errors.Is(err, sys.EPERM) {
		t.Errorf("a type that is not delegated: %v", err)
	}
}
