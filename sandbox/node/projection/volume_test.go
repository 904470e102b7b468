package projection

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"lockstep/sandbox/node/rootfs/rootfstest"
)

func TestVolumesHoldWhatTheirSourcesSay(t *testing.T) {
	client := fake.NewClientset(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "stores", Namespace: "apim"}, Data: map[string][]byte{"a.jks": []byte("A"), "b.jks": []byte("B")}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "conf", Namespace: "apim"}, Data: map[string]string{"toml": "T"}, BinaryData: map[string][]byte{"bin": {0}}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt", Namespace: "apim"}, Data: map[string]string{"ca.crt": "CA"}},
	)
	client.PrependReactor("create", "serviceaccounts", func(action clienttesting.Action) (bool, runtime.Object, error) {
		request := action.(clienttesting.CreateActionImpl)
		asked := request.GetObject().(*authenticationv1.TokenRequest)
		token := request.Name + " for " + asked.Spec.BoundObjectRef.Name
		return true, &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: token}}, nil
	})
	p := Pod{
		Client: client,
		Object: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "am-0", Namespace: "apim", Labels: map[string]string{"product": "apim"}},
			Spec:       corev1.PodSpec{ServiceAccountName: "am"},
		},
	}
	secretItems := func(optional *bool, items ...corev1.KeyToPath) corev1.VolumeSource {
		return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "stores", Items: items, Optional: optional, DefaultMode: ptr.To[int32](0o407)}}
	}
	conf := corev1.LocalObjectReference{Name: "conf"}
	for _, test := range []struct {
		name   string
		source corev1.VolumeSource
		want   []string
		err    string
	}{
		{"all keys of a secret", secretItems(nil), []string{"a.jks -r-----rwx A", "b.jks -r-----rwx B"}, ""},
		{"items with paths and modes", secretItems(nil, corev1.KeyToPath{Key: "a.jks", Path: "deep/x.jks", Mode: ptr.To[int32](0o600)}),
			[]string{"deep drwxr-xr-x", "deep/x.jks -rw------- A"}, ""},
		{"a key that is not there", secretItems(nil, corev1.KeyToPath{Key: "c.jks", Path: "c"}), nil, "references non-existent secret key: c.jks"},
		{"an optional key that is not there", secretItems(ptr.To(true), corev1.KeyToPath{Key: "c.jks", Path: "c"}), nil, ""},
		{"a config map", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: conf}}, []string{"bin -rw-r--r-- \x00", "toml -rw-r--r-- T"}, ""},
		{"a config map that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "nope"}}},
			nil, `configmap "nope" not found`},
		{"an optional one", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "nope"}, Optional: ptr.To(true)}}, nil, ""},
		{"emptyDir", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, nil, ""},
		{"a service account's", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
		}}}, []string{"ca.crt -rw-r--r-- CA", "namespace -rw-r--r-- apim", "token -rw-r--r-- am for am-0"}, ""},
		{"labels", corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}}}}}, []string{`labels -rw-r--r-- product="apim"`}, ""},
		{"a host path", corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}, nil, "no volumes of this type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "volume")
			for range 2 { // an attempt may follow another
				err := p.SetUpVolume(t.Context(), corev1.Volume{VolumeSource: test.source}, dir)
				if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
					t.Fatalf("got %v, want %q", err, test.err)
				}
			}
			if diff := cmp.Diff(test.want, rootfstest.Tree(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
