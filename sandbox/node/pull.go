package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/sandbox/node/image"
)

// obtainImage gets the container's image as its pull policy says, trying again with a kubelet's back-off until ctx ends,
// then ok is false.
func (c *container) obtainImage(ctx context.Context) (from image.Image, ok bool) {
	var failures backOff
	for {
		from, err := c.tryImage(ctx)
		if err == nil {
			c.change(func(status *corev1.ContainerStatus) { status.ImageID = from.ID })
			return from, true
		}
		if ctx.Err() != nil {
			return image.Image{}, false
		}
		if errors.Is(err, errNeverPull) {
			c.event(corev1.EventTypeWarning, "ErrImageNeverPull", "Container image %q is not present with pull policy of Never", c.spec.Image)
			c.wait("ErrImageNeverPull", fmt.Sprintf("Container image %q is not present with pull policy of Never", c.spec.Image))
		} else {
			c.event(corev1.EventTypeWarning, "Failed", "Failed to pull image %q: %s", c.spec.Image, err)
			c.event(corev1.EventTypeWarning, "Failed", "Error: ErrImagePull")
			c.wait("ErrImagePull", err.Error())
		}
		if !c.backOffPull(ctx, c.pod.node.scaled(failures.pull()), err) {
			return image.Image{}, false
		}
	}
}

// backOffPull waits for the next try. The first moments still show the pull's own error, as on a real node, where the
// next look at the pod finds the back-off.
func (c *container) backOffPull(ctx context.Context, wait time.Duration, err error) bool {
	first := min(wait/4, 2*time.Second)
	if !sleep(ctx, first) {
		return false
	}
	if !errors.Is(err, errNeverPull) {
		message := fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.spec.Image, err)
		c.event(corev1.EventTypeNormal, "BackOff", "Back-off pulling image %q", c.spec.Image)
		c.event(corev1.EventTypeWarning, "Failed", "Error: ImagePullBackOff")
		c.wait("ImagePullBackOff", message)
	}
	return sleep(ctx, wait-first)
}

var errNeverPull = errors.New("image is not present and may not be pulled")

func (c *container) tryImage(ctx context.Context) (image.Image, error) {
	store := c.pod.node.images
	if c.spec.ImagePullPolicy != corev1.PullAlways {
		if from, ok := store.Local(c.spec.Image); ok {
			c.event(corev1.EventTypeNormal, "Pulled", "Container image %q already present on machine", c.spec.Image)
			return from, nil
		}
		if c.spec.ImagePullPolicy == corev1.PullNever {
			return image.Image{}, errNeverPull
		}
	}
	c.event(corev1.EventTypeNormal, "Pulling", "Pulling image %q", c.spec.Image)
	begin := time.Now()
	from, err := store.Pull(ctx, c.spec.Image)
	if err != nil {
		return image.Image{}, err
	}
	took := time.Since(begin).Round(time.Millisecond)
	c.event(corev1.EventTypeNormal, "Pulled", "Successfully pulled image %q in %s (%s including waiting). Image size: %d bytes.", c.spec.Image, took, took, from.Size)
	return from, nil
}
