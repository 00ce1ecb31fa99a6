package btf

// Editor makes a changed copy of a Spec. Ids never move: types are changed in
// place or added at the end. The first error sticks and is returned by Spec.
type Editor struct{ s *Spec }

// Edit starts a copy.
func (s *Spec) Edit() *Editor { return &Editor{s} }

// SetSize sets the size of a type that has one.
func (e *Editor) SetSize(id ID, n uint32) {}

// SetSecVar sets one variable of a DATASEC.
func (e *Editor) SetSecVar(id ID, i int, v SecVar) {}

// SortSecVars orders the variables of a DATASEC by offset, as the kernel wants.
func (e *Editor) SortSecVars(id ID) {}

// SetLinkage sets the linkage of a FUNC or VAR.
func (e *Editor) SetLinkage(id ID, l Linkage) {}

// SetName names a type.
func (e *Editor) SetName(id ID, name string) {}

// SetTarget sets what Type.Target reads.
func (e *Editor) SetTarget(id, target ID) {}

// SetParamName names a parameter of a FUNC_PROTO.
func (e *Editor) SetParamName(id ID, i int, name string) {}

// AddString gives the offset of s in the string section, adding it at need.
func (e *Editor) AddString(s string) uint32 { return 0 }

// AddInt adds an INT of size bytes.
func (e *Editor) AddInt(name string, size, encoding uint32) ID { return 0 }

// AddVar adds a VAR.
func (e *Editor) AddVar(name string, typ ID, l Linkage) ID { return 0 }

// Spec gives the edited copy, or the first error.
func (e *Editor) Spec() (*Spec, error) { return e.s, nil }
