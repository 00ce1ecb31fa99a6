package btf

func (s *Spec) validate() error { return nil }
