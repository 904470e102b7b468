package envoy

import (
	"crypto/sha256"
	"crypto/tls"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// pairs remembers the key pairs of Secrets by their content: each is asked for with every listener and route, and reading one takes
// longer than all the rest.
type pairs struct {
	mutex sync.Mutex
	known map[[sha256.Size]byte]pair
}

type pair struct {
	certificate tls.Certificate
	err         error
}

// maxPairs bounds what is kept of Secrets that have changed or gone.
const maxPairs = 1000

func newPairs() *pairs { return &pairs{known: map[[sha256.Size]byte]pair{}} }

// of reads a Secret of type kubernetes.io/tls.
func (p *pairs) of(secret *corev1.Secret) (tls.Certificate, error) {
	certificate, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	digest := sha256.New()
	digest.Write(certificate)
	digest.Write([]byte{0}) // no PEM has it
	digest.Write(key)
	id := [sha256.Size]byte(digest.Sum(nil))
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known, ok := p.known[id]; ok {
		return known.certificate, known.err
	}
	if len(p.known) == maxPairs {
		clear(p.known)
	}
	var read pair
	read.certificate, read.err = tls.X509KeyPair(certificate, key)
	p.known[id] = read
	return read.certificate, read.err
}
