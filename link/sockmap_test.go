package link

import (
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// newSockmap is a SOCKMAP of one socket.
func newSockmap(t *testing.T) *counter {
	t.Helper()
	fd, err := sys.MapCreate(&sys.MapCreateAttr{
		MapType: sys.BPF_MAP_TYPE_SOCKMAP, KeySize: 4, ValueSize: 4, MaxEntries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fd.Close() })
	return &counter{fd}
}

// connect puts one end of a TCP connection into m, where it takes up the
// programs that m has then, and gives a function that sends a message on it.
func connect(t *testing.T, m *counter) func() {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	put(t, m.fd, client.(*net.TCPConn))
	buf := make([]byte, 4)
	return func() {
		if _, err := client.Write([]byte("skep")); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(server, buf); err != nil {
			t.Error(err)
		}
	}
}

func put(t *testing.T, m *sys.FD, c *net.TCPConn) {
	t.Helper()
	conn, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	mfd, err := m.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	cerr := conn.Control(func(sock uintptr) {
		key, value := uint32(0), uint32(sock)
		err = sys.MapUpdateElem(&sys.MapElemAttr{MapFd: uint32(mfd), Key: sys.PtrTo(&key), Value: sys.PtrTo(&value)})
	})
	if err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
}

func TestSockmap(t *testing.T) {
	testutil.NeedRoot(t)
	typ, form := TypeSockmap, FormLink
	if !testutil.KernelAtLeast(t, "6.10") {
		typ, form = TypeNone, FormProgAttach
	}
	for _, tt := range []struct {
		name string
		old  bool
		typ  Type
		form Form
	}{
		{"as the kernel can", false, typ, form},
		{"PROG_ATTACH", true, TypeNone, FormProgAttach},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.old {
				withoutLinks(t)
			}
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: prog.SKMsg, Attach: prog.AttachSKMsgVerdict}, 1)
			m := newSockmap(t)
			l, err := AttachSockmap(p, SockmapOptions{Map: m})
			if err != nil {
				t.Fatal(err)
			}
			in := checkInfo(t, l, tt.typ, tt.form)
			d, ok := in.Details.(SockmapInfo)
			if !ok || d.Map == 0 {
				t.Errorf("details %+v", in.Details)
			}
			d.Map = 0
			if diff := cmp.Diff(SockmapInfo{Attach: prog.AttachSKMsgVerdict}, d); diff != "" {
				t.Error(diff)
			}
			counts(t, c, connect(t, m))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			silent(t, c, connect(t, m))
		})
	}
}
