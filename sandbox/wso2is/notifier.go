package wso2is

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep/sandbox/carbon"
)

const (
	listenerType  = "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler"
	listenerName  = "org.wso2.is.notification.ApimOauthEventInterceptor"
	listenerClass = "org/wso2/is/notification/ApimOauthEventInterceptor.class"
	listenerJar   = "wso2is.notification.event.handlers-*.jar"
)

// notifier is wso2is.notification.event.handlers of apim-km-wso2is: it tells API Manager of revoked tokens.
type notifier struct {
	endpoint           string // "": there is no handler, or no listener for it; nothing is ever said about that
	username, password string
	headers            map[string]string
	client             *http.Client
	failed             func(error)
	sending            sync.WaitGroup
}

func newNotifier(base *carbon.Server) *notifier {
	n := &notifier{}
	properties := listenerProperties(base.Config.Tables("event_listener"))
	if properties == nil || !hasHandler(base.Home) {
		return n
	}
	n.endpoint = base.Config.Resolve(properties.String("notification_endpoint"))
	n.username = base.Config.Resolve(properties.String("username"))
	n.password = base.Config.Resolve(properties.String("password"))
	n.headers = map[string]string{}
	for key, value := range properties {
		if name, ok := strings.CutPrefix(key, "header."); ok {
			if value, ok := value.(string); ok {
				n.headers[name] = base.Config.Resolve(value)
			}
		}
	}
	n.client = base.Client(carbon.ClientConfig{
		OnlyTLS12: strings.Contains(base.Env.Getenv("JAVA_OPTS"), "-Djdk.tls.client.protocols=TLSv1.2"),
	})
	n.failed = func(err error) {
		base.Env.Log.Error("Error while sending Revocation Event to "+n.endpoint, "error", err.Error())
	}
	return n
}

// listenerProperties finds the listener as the handler does: its configuration is looked up under the class name of
// AbstractIdentityHandler. One of any other type starts without complaint and is never called.
func listenerProperties(listeners []carbon.Table) carbon.Table {
	for _, listener := range listeners {
		enabled := listener.String("enable") != "false"
		if listener.String("type") == listenerType && listener.String("name") == listenerName && enabled {
			return listener.Table("properties")
		}
	}
	return nil
}

// hasHandler looks into the dropins, the only place where OSGi bundles are added.
func hasHandler(home string) bool {
	jars, _ := filepath.Glob(filepath.Join(home, "repository", "components", "dropins", listenerJar))
	for _, name := range jars {
		archive, err := zip.OpenReader(name)
		if err != nil {
			continue // the framework skips what is not a bundle
		}
		found := slices.ContainsFunc(archive.File, func(file *zip.File) bool { return file.Name == listenerClass })
		_ = archive.Close()
		if found {
			return true
		}
	}
	return false
}

// revocationEvent is TokenRevocationEvent of the handler, as Gson writes it.
type revocationEvent struct {
	AccessToken  string            `json:"accessToken"` // the jti of a JWT
	ExpiryTime   int64             `json:"expiryTime"`  // milliseconds
	User         string            `json:"user"`
	ConsumerKey  string            `json:"consumerKey"`
	TokenType    string            `json:"tokenType"`
	EventID      string            `json:"eventId"`
	TimeStamp    int64             `json:"timeStamp"`
	Type         string            `json:"type"`
	TenantID     int               `json:"tenantId"`
	TenantDomain string            `json:"tenantDomain"`
	Properties   map[string]string `json:"properties"`
}

// revoked sends the event without making the revocation wait.
func (n *notifier) revoked(t token) {
	if n.endpoint == "" {
		return
	}
	event := revocationEvent{
		AccessToken: t.JTI, ExpiryTime: t.Expires.UnixMilli(), User: t.User, ConsumerKey: t.ClientID, TokenType: t.TokenType,
		EventID: carbon.UUID(), TimeStamp: time.Now().UnixMilli(), Type: "token_revocation",
		TenantID: -1234, TenantDomain: "carbon.super", Properties: map[string]string{},
	}
	n.sending.Add(1)
	go func() {
		defer n.sending.Done()
		if err := n.send(event); err != nil {
			n.failed(err)
		}
	}()
}

// send takes any answer for success, a 401 or a 404 too: only a failed connection is an error.
func (n *notifier) send(event revocationEvent) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, n.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if n.username != "" && n.password != "" {
		request.SetBasicAuth(n.username, n.password)
	}
	for name, value := range n.headers {
		request.Header.Set(name, value)
	}
	response, err := n.client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func (n *notifier) wait() { n.sending.Wait() }
