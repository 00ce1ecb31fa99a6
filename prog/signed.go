package prog

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/refusal"
	"github.com/skepbpf/skep/verifierlog"
)

// unboundLoad loads a signed program once more without binding its maps first,
// which kernels from 6.18 on do not know for exclusive maps: they hold them
// against a digest that they have not made yet, and say EACCES. What the
// signature covers is the kernel's affair either way. It is nil if that was
// not it.
func (l *loader) unboundLoad(form *Spec, attr *sys.ProgLoadAttr, err error) *Program {
	if attr.FdArrayCnt == 0 || !errors.Is(err, sys.EACCES) {
		return nil
	}
	again := *attr
	again.FdArrayCnt = 0
	a := logged(&again, l.LogLevel, l.logSize())
	if a.err != nil {
		return nil
	}
	return &Program{fd: a.fd, name: form.Name, typ: form.Type, attach: form.Attach, log: a.log()}
}

// signatureErrors are what verify_pkcs7_signature and key lookup say of a
// signature, in words (crypto/asymmetric_keys and certs/system_keyring.c).
var signatureErrors = [...]struct {
	errno sys.Errno
	text  string
}{
	{sys.EKEYREJECTED, "it is not one of these bytes, or not by the certificate that it names"},
	{sys.ENOKEY, "the keyring has no certificate that it was made with"},
	{sys.EBADMSG, "it is no detached CMS (PKCS #7) signature in DER"},
	{sys.ENOPKG, "the kernel lacks the algorithm that it was made with"},
	{sys.EKEYEXPIRED, "the certificate or the keyring has expired"},
	{sys.EKEYREVOKED, "the certificate or the keyring was revoked"},
}

// signature explains a refusal of a signed program where its signature, or
// that it has one, is the reason. nil: it is not.
func (l *loader) signature(s *Spec, err error, log verifierlog.Log) *refusal.Error {
	if len(s.Signature) == 0 {
		return nil
	}
	for _, e := range signatureErrors {
		if errors.Is(err, e.errno) {
			return &refusal.Error{Cause: refusal.Signature, Detail: e.text}
		}
	}
	switch {
	case !errors.Is(err, sys.EINVAL) && !errors.Is(err, sys.E2BIG) && !errors.Is(err, sys.EOPNOTSUPP):
		return nil
	case errors.Is(err, sys.EOPNOTSUPP) && log.Empty():
		return &refusal.Error{Cause: refusal.Unsupported, Detail: "signature checks: CONFIG_SYSTEM_DATA_VERIFICATION is not set"}
	}
	token := 0
	if l.Token != nil {
		if raw, terr := l.borrow(l.Token); terr == nil {
			token = raw
		}
	}
	// What becomes of a program about which nothing else can be wrong.
	switch perr := probe.Signed(s.Signature, int32(s.Keyring), token); {
	case errors.Is(perr, errors.ErrUnsupported):
		if u, ok := errors.AsType[*feature.UnsupportedError](perr); ok {
			return &refusal.Error{Cause: refusal.Unsupported, Detail: u.Name + " (Linux " + u.Since + ")"}
		}
	case errors.Is(perr, sys.EINVAL):
		return &refusal.Error{Cause: refusal.Signature, Detail: "there is no keyring " + s.Keyring.String() + ", or it is too long"}
	}
	return nil
}

// exclusive explains that a map of the program belongs to another one.
func (s *Spec) exclusive(log verifierlog.Log) *refusal.Error {
	if !strings.Contains(log.Explain().Reason, "map's excl_prog_hash") {
		return nil
	}
	sum, err := s.Digest(nil)
	if err != nil {
		return nil
	}
	return &refusal.Error{Cause: refusal.Exclusive, Detail: hex.EncodeToString(sum[:])}
}
