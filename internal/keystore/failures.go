package keystore

import (
	"lockstep/internal/failure"
)

// unfit is a failure that whoever owns the environment mends.
func unfit(doing string, cause error, next string) error {
	return &failure.Error{Kind: failure.InvalidConfig, Doing: doing, Cause: cause, Next: next}
}

// broken is a failure that no environment file asks for.
func broken(doing string, cause error) error {
	return &failure.Error{Kind: failure.Internal, Doing: doing, Cause: cause, Next: "report it: no environment file asks for this"}
}

// encoded gives a store, or the failure to write it: all that can be wrong with what it is made of is the password.
func encoded(doing string, store []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, unfit(doing, err, "check keystorePassword in the credentials Secret: take letters, digits and other ASCII characters")
	}
	return store, nil
}
