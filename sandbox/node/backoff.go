package node

import "time"

// A kubelet's back-off between restarts of a container, and between pulls of an image.
const (
	firstBackOff = 10 * time.Second
	maxBackOff   = 5 * time.Minute
	calmAfter    = 10 * time.Minute // a container that ran this long starts anew
)

// backOff doubles from firstBackOff to maxBackOff.
type backOff struct{ next time.Duration }

// crash is how long to wait before the restart of a container that ran for some time: not at all the first time.
func (b *backOff) crash(ran time.Duration) time.Duration {
	if ran >= calmAfter {
		b.next = 0
	}
	wait := b.next
	b.next = min(max(firstBackOff, 2*b.next), maxBackOff)
	return wait
}

// pull is how long to wait after a failed pull.
func (b *backOff) pull() time.Duration {
	b.next = min(max(firstBackOff, 2*b.next), maxBackOff)
	return b.next
}
