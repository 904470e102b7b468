package settings

import (
	"net/url"
	"strings"

	"lockstep/config"
)

// CodecServer is where and for whom payloads are decrypted. Its AccessFile is by default that of the API.
type CodecServer struct {
	Server `mapstructure:",squash"`
	// Origins of the Temporal UIs that may ask, as http://localhost:8233. Default: that of uiURL.
	Origins Origins `mapstructure:"origins"`
	// UI is the address of a Temporal UI to serve behind this server's login, as http://temporal-ui:8080. Its pages are then at uiURL,
	// which has to lead to this server. Default: none.
	UI string `mapstructure:"ui"`
}

// Origins are those of web pages: scheme, host, and port unless it is the scheme's own.
type Origins []string

// UnmarshalText reads what an environment variable or flag says: origins with commas between.
func (o *Origins) UnmarshalText(text []byte) error {
	*o = nil
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part != "" {
			*o = append(*o, part)
		}
	}
	return nil
}

// Pages are the origins that may ask: those that are set, else that of the Temporal UI.
func (c CodecServer) Pages(uiURL string) Origins {
	if len(c.Origins) > 0 {
		return c.Origins
	}
	u, err := url.Parse(uiURL)
	if err != nil {
		return nil
	}
	return Origins{originOf(u)}
}

func (c CodecServer) check() config.Problems {
	found := c.Server.check("codecServer", 8087)
	if u, err := url.Parse(c.UI); c.UI != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "") {
		found.Add("codecServer.ui", c.UI, "is not the address of a Temporal UI", "write it as http://temporal-ui:8080")
	}
	if c.UI != "" && c.Anonymous {
		found.Add("codecServer.ui", c.UI, "does not go with codecServer.anonymous: everybody on this machine, and every page in a browser on it, could start operations",
			"remove codecServer.anonymous and set codecServer.accessFile, or remove codecServer.ui")
	}
	for _, text := range c.Origins {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || originOf(u) != text {
			found.Add("codecServer.origins", text, "is not the origin of a web page", "write scheme and host without a path, for example https://temporal.example.com")
		}
	}
	return found
}

// originOf is as a browser sends it.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	} else {
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host
}
