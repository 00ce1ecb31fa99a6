package sys

import "errors"

// wrapErrno turns an error that is an Errno into an Error of the call.
func wrapErrno(call string, err error) error {
	if err == nil {
		return nil
	}
	if errno, ok := errors.AsType[Errno](err); ok {
		return &Error{call, errno}
	}
	return err
}
