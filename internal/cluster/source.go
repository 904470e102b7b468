package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"lockstep/internal/failure"
)

// Source stands for what [New] would read now: another one is given once somebody wrote a kubeconfig anew, as a rotation does. What
// the files themselves name, tokens and client certificates in files of their own, is read again by client-go.
func Source(c Reach) (string, error) {
	files := rules(c).GetLoadingPrecedence()
	if inside := own(c); inside != nil { // its token is read again, too
		files = []string{inside.CAFile}
	}
	hash := sha256.New()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil && (c.Kubeconfig != "" || !errors.Is(err, fs.ErrNotExist)) {
			return "", &failure.Error{Kind: failure.InvalidConfig, Doing: "reading cluster access", Cause: err, Next: "make that file readable for the worker"}
		}
		fmt.Fprintf(hash, "%s %d\n", file, len(data))
		hash.Write(data)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Renewable makes a 401 one that passes where the kubeconfig was written anew since it was read: the next try reads it.
func (c *Client) Renewable(err error) error {
	known, found := failure.As(err)
	if !found || !apierrors.IsUnauthorized(known.Cause) || c.outdated == nil || !c.outdated() {
		return err
	}
	return &failure.Error{Kind: failure.Unavailable, Doing: known.Doing, Cause: known.Cause, Retryable: true,
		Next: "run again: the kubeconfig has changed and is read again"}
}
