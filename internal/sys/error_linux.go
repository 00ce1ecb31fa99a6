package sys

import "errors"

// wrapErrno turns an error that is an Errno into an Error of the call.
func wrapErrno(call string, err error) error {
	if err == nil {
		return nil
	}
	var errno Errno
	if errors.As(err, &errno) {
		return &Error{call, errno}
	}
	return err
}
