package btf

// eachRef calls f with every type id in t's record, void included.
func (t Type) eachRef(f func(ID)) {
	k := t.Kind()
	if k >= kindCount {
		return
	}
	if kinds[k].use == aType {
		f(ID(t.size))
	}
	switch k {
	case KindArray:
		elem, index, _ := t.rawArray()
		f(elem)
		f(index)
	case KindStruct, KindUnion:
		for i := range int(t.vlen()) {
			m, _ := t.rawMember(i)
			f(m.typ)
		}
	case KindFuncProto:
		for i := range int(t.vlen()) {
			_, id, _ := t.rawParam(i)
			f(id)
		}
	case KindDatasec:
		for i := range int(t.vlen()) {
			f(t.SecVar(i).Type)
		}
	}
}
