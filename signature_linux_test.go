package skep_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/refusal"
)

// signer has a key and its certificate.
type signer struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "skep test"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key, cert}
}

// The parts of a CMS signature (RFC 5652, 5) that a kernel reads.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}
	signedData struct {
		Version int
		Digests []pkix.AlgorithmIdentifier `asn1:"set"`
		Content struct{ Type asn1.ObjectIdentifier }
		Signers []signerInfo `asn1:"set"`
	}
	signerInfo struct {
		Version int
		ID      struct {
			Issuer asn1.RawValue
			Serial *big.Int
		}
		Digest, Algorithm pkix.AlgorithmIdentifier
		Signature         []byte
	}
)

// sign is what `openssl cms -sign -binary -noattr -nocerts -outform DER` gives.
func (s *signer) sign(t *testing.T, b []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(b)
	raw, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sha := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}}
	in := signerInfo{Version: 1, Digest: sha, Signature: raw}
	in.ID.Issuer, in.ID.Serial = asn1.RawValue{FullBytes: s.cert.RawIssuer}, s.cert.SerialNumber
	in.Algorithm = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue}
	d := signedData{Version: 1, Digests: []pkix.AlgorithmIdentifier{sha}, Signers: []signerInfo{in}}
	d.Content.Type = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	der, err := asn1.Marshal(contentInfo{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, d})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// addKey adds a key to a keyring, and takes it out again after the test.
func addKey(t *testing.T, kind, description string, payload []byte, keyring prog.Keyring) prog.Keyring {
	t.Helper()
	bytesOf := func(s string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(s + "\x00"))) }
	id, _, errno := syscall.Syscall6(syscall.SYS_ADD_KEY, bytesOf(kind), bytesOf(description),
		uintptr(unsafe.Pointer(unsafe.SliceData(payload))), uintptr(len(payload)), uintptr(keyring), 0)
	if errno != 0 {
		t.Fatalf("add a key of type %s: %v", kind, errno)
	}
	t.Cleanup(func() {
		const unlink = 9 // KEYCTL_UNLINK
		if _, _, errno := syscall.Syscall(syscall.SYS_KEYCTL, unlink, id, uintptr(keyring)); errno != 0 {
			t.Errorf("unlink a key of type %s: %v", kind, errno)
		}
	})
	return prog.Keyring(id)
}

// signedSpec is a program of testdata/signed with a signature over what a plan
// for this kernel says, changed by spoil.
func signedSpec(t *testing.T, program string, keyring prog.Keyring, sign func([]byte) []byte) *skep.Spec {
	t.Helper()
	s := open(t, native("signed"))
	if err := s.Only(program); err != nil {
		t.Fatal(err)
	}
	if program == "reader" {
		s.Maps[".rodata"].Exclusive = "reader"
	}
	f, err := skep.ReadFacts(s.Needs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plan, err := s.Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := plan.Signing(program)
	if err != nil {
		t.Fatal(err)
	}
	s.Programs[program].Signature, s.Programs[program].Keyring = sign(sig.Bytes), keyring
	return s
}

func TestSigned(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.18", "CONFIG_SYSTEM_DATA_VERIFICATION")
	us, them := newSigner(t), newSigner(t)
	ours := addKey(t, "keyring", fmt.Sprintf("skep %d", time.Now().UnixNano()), nil, prog.UserKeyring)
	empty := addKey(t, "keyring", fmt.Sprintf("skep empty %d", time.Now().UnixNano()), nil, prog.UserKeyring)
	addKey(t, "asymmetric", "skep", us.cert.Raw, ours)
	good := func(b []byte) []byte { return us.sign(t, b) }

	for _, tt := range []struct {
		program string
		keyring prog.Keyring
		want    uint32
	}{{"bare", ours, 42}, {"bare", prog.UserKeyring, 42}, {"reader", ours, 4}} {
		c, err := skep.Load(signedSpec(t, tt.program, tt.keyring, good), nil)
		if err != nil {
			t.Errorf("%s, keyring %s: %v", tt.program, tt.keyring, err)
			continue
		}
		if got := run(t, c, tt.program, 64); got != tt.want {
			t.Errorf("%s gives %d, want %d", tt.program, got, tt.want)
		}
		c.Close()
	}

	for _, tt := range []struct {
		name, program string
		keyring       prog.Keyring
		sign          func([]byte) []byte
		errno         sys.Errno
		want          string
	}{
		{"other bytes", "bare", ours, func(b []byte) []byte { b[4]++; return good(b) }, sys.EKEYREJECTED,
			"it is not one of these bytes, or not by the certificate that it names"},
		{"other constant", "reader", ours, func(b []byte) []byte { b[len(b)-1]++; return good(b) }, sys.EKEYREJECTED,
			"it is not one of these bytes, or not by the certificate that it names"},
		{"other signer", "bare", ours, func(b []byte) []byte { return them.sign(t, b) }, sys.ENOKEY,
			"the keyring has no certificate that it was made with"},
		{"other keyring", "bare", empty, good, sys.ENOKEY, "the keyring has no certificate that it was made with"},
		{"builtin keyring", "bare", prog.BuiltinKeyring, good, sys.ENOKEY, "the keyring has no certificate that it was made with"},
		{"no signature", "bare", ours, func([]byte) []byte { return []byte("nonsense") }, sys.EBADMSG,
			"it is no detached CMS (PKCS #7) signature in DER"},
		{"no keyring", "bare", 0x7ffffffe, good, sys.EINVAL, "there is no keyring 2147483646, or it is too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := skep.Load(signedSpec(t, tt.program, tt.keyring, tt.sign), nil)
			if err == nil {
				c.Close()
				t.Fatal("it was loaded")
			}
			r, ok := errors.AsType[*refusal.Error](err)
			if !ok || r.Cause != refusal.Signature || r.Detail != tt.want || !errors.Is(err, tt.errno) {
				t.Errorf("got %v", err)
			}
			if want := "program " + tt.program + ": load: "; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "signature: "+tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestNotSigned: kernels that cannot check signatures do not take them for
// granted, and the error says why.
func TestNotSigned(t *testing.T) {
	needKernel(t)
	want := ""
	switch {
	case !testutil.KernelAtLeast(t, "6.18"):
		want = "signed programs (Linux 6.18)"
	case !testutil.HasConfig(t, "CONFIG_SYSTEM_DATA_VERIFICATION"):
		want = "signature checks: CONFIG_SYSTEM_DATA_VERIFICATION is not set"
	default:
		return
	}
	s := open(t, native("signed"))
	if err := s.Only("bare"); err != nil {
		t.Fatal(err)
	}
	s.Programs["bare"].Signature = []byte("nonsense")
	c, err := skep.Load(s, nil)
	if err == nil {
		c.Close()
		t.Fatal("it was loaded")
	}
	r, ok := errors.AsType[*refusal.Error](err)
	if !ok || r.Cause != refusal.Unsupported || r.Detail != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestOpenSSL: what stands in the documentation gives the signatures that
// TestSigned loads, to the byte.
func TestOpenSSL(t *testing.T) {
	testutil.NeedTool(t, "openssl")
	s := newSigner(t)
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if kind != "" {
			b = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	code := []byte("instructions")
	got, err := exec.Command("openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256", "-outform", "DER",
		"-signer", write("cert.pem", "CERTIFICATE", s.cert.Raw),
		"-inkey", write("key.pem", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(s.key)),
		"-in", write("code", "", code)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := s.sign(t, code); !bytes.Equal(got, want) {
		t.Errorf("openssl %x\nours    %x", got, want)
	}
}
