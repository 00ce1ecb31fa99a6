package btf

import "fmt"

// COREKind says which number of the target a CO-RE relocation asks for
// (enum bpf_core_relo_kind of include/uapi/linux/bpf.h).
type COREKind uint32

// The kinds of relocation.
const (
	COREFieldByteOffset COREKind = iota
	COREFieldByteSize
	COREFieldExists
	COREFieldSigned
	COREFieldLShiftU64
	COREFieldRShiftU64
	CORETypeIDLocal
	CORETypeIDTarget
	CORETypeExists
	CORETypeSize
	COREEnumvalExists
	COREEnumvalValue
	CORETypeMatches
	coreKindCount
)

var coreNames = [coreKindCount]string{
	"byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
	"local_type_id", "target_type_id", "type_exists", "type_size",
	"enumval_exists", "enumval_value", "type_matches",
}

// String is the kind's name as libbpf writes it.
func (k COREKind) String() string {
	if k < coreKindCount {
		return coreNames[k]
	}
	return fmt.Sprintf("relocation kind %d", uint32(k))
}

func (k COREKind) field() bool { return k <= COREFieldRShiftU64 }

// direct reports whether most relocations of that kind are resolved at once.
func (k COREKind) direct() bool { return k == COREFieldByteOffset || k == COREFieldExists }

func (k COREKind) enumval() bool { return k == COREEnumvalExists || k == COREEnumvalValue }

func (k COREKind) typ() bool {
	return k >= CORETypeIDLocal && k <= CORETypeSize || k == CORETypeMatches
}
