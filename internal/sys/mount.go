package sys

// OpenDetached makes a file system of a type such as "tracefs" and gives its
// root, mounted nowhere: nothing of it is seen outside the process. Requires
// Linux 5.2 and CAP_SYS_ADMIN in the initial user namespace.
func OpenDetached(fstype string) (*FD, error) {
	fs, err := Fsopen(fstype)
	if err != nil {
		return nil, err
	}
	defer fs.Close()
	raw, err := fs.Borrow()
	if err != nil {
		return nil, err
	}
	defer fs.Release()
	if err := FsconfigCreate(raw); err != nil {
		return nil, err
	}
	return Fsmount(raw)
}
