package diagnosis

import (
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/crane"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/diagnosis"
	"lockstep/internal/failure"
)

// ofVolumes are claims that nobody provides for.
func ofVolumes() []provocation {
	return []provocation{
		{"Volume without a StorageClass", func(t *testing.T, l *lab) string {
			l.claim(t, "no-class", nil)
			return l.problem(t, "no-class")
		}},
		{"StorageClass is missing", func(t *testing.T, l *lab) string {
			class := "fast"
			l.claim(t, "missing-class", &class)
			return l.problem(t, "missing-class")
		}},
		{"Claim is missing", func(t *testing.T, l *lab) string {
			return l.broken(t, "no-claim", volume(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}))
		}},
	}
}

// claim deploys the program with a claim of its own.
func (l *lab) claim(t *testing.T, namespace string, class *string) {
	t.Helper()
	l.namespace(t, namespace, nil)
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}}
	if _, err := l.Client(t).CoreV1().PersistentVolumeClaims(namespace).Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	l.deploy(t, namespace, volume(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}))
}

func (l *lab) copyImage(t *testing.T, from, to string) {
	t.Helper()
	if err := crane.Copy(l.Sandbox().Registry+"/"+from, l.Sandbox().Registry+"/"+to, crane.Insecure); err != nil {
		t.Fatal(err)
	}
}

// patience is what must not be taken for a problem.
func patience(t *testing.T, l *lab) {
	t.Run("a registry that hiccups is waited for", func(t *testing.T) {
		t.Parallel()
		const again = "blip/envoy:1" // its first two requests fail
		l.copyImage(t, "lockstep/program:1", again)
		l.deploy(t, l.namespace(t, "blip", nil), image("registry.lockstep.test/"+again))
		if err := l.wait(t, "blip", far); err != nil {
			t.Error(err)
		}
	})
	t.Run("a claim that waits for its first consumer, and then for its provisioner, is waited for", func(t *testing.T) {
		t.Parallel()
		later := storagev1.VolumeBindingWaitForFirstConsumer
		class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "slow"}, Provisioner: "example.com/slow", VolumeBindingMode: &later}
		if _, err := l.Client(t).StorageV1().StorageClasses().Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.claim(t, "slow", &class.Name)
		err := l.wait(t, "slow", 12*time.Second) // six times what a pod without a node gets here
		if failure.ReasonOf(err) != diagnosis.ReasonDeadline {
			t.Errorf("got %v", err)
		}
	})
}
