package image

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// homeVariable names the server's folder in the configuration of WSO2's images.
const homeVariable = "WSO2_SERVER_HOME"

// layout is what the new layer has to know of an image.
type layout struct {
	home     string // absolute
	version  string
	user     string // as configured
	uid, gid int
}

// layouts reads the layout of every platform's image and makes sure they are of one product.
func (b *Builder) layouts(ctx context.Context, from *base, say func(string)) ([]layout, error) {
	doing := "reading the layout of " + from.name
	var out []layout
	for _, image := range from.images {
		l, err := b.layout(ctx, from.place, image, doing, say)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && l.home != out[0].home {
			return nil, invalid(doing, "limit image.platforms to platforms of one version", "its platforms disagree: %s and %s",
				out[0].home, l.home)
		}
		out = append(out, l)
	}
	return out, nil
}

func (b *Builder) layout(ctx context.Context, from *place, image platformImage, doing string, say func(string)) (layout, error) {
	l := layout{home: environment(image.config.Config.Env, homeVariable), user: image.config.Config.User}
	user, group := splitUser(l.user)
	want := wanted{home: l.home == "", passwd: !isNumber(user), group: !isNumber(group) && group != ""}
	var seen scanned
	if want.any() {
		say("reading layers of the base for what its configuration does not say (" + want.String() + ")")
		var err error
		if seen, err = b.scan(ctx, image.image, want); err != nil {
			return l, from.explain(doing, err)
		}
	}
	if l.home == "" {
		l.home = seen.Home
	}
	if err := l.setVersion(doing); err != nil {
		return l, err
	}
	return l, l.setOwner(doing, user, group, seen)
}

var homePattern = regexp.MustCompile(`^wso2is-(\d+\.\d+\.\d+[0-9A-Za-z.+-]*)$`)

func (l *layout) setVersion(doing string) error {
	const next = "use an Identity Server image as image.base, for example docker.io/wso2/wso2is:7.2.0"
	if l.home == "" {
		return invalid(doing, next, "its environment has no %s and its layers have no folder wso2is-<version>/repository/components", homeVariable)
	}
	match := homePattern.FindStringSubmatch(path.Base(l.home))
	if match == nil || !path.IsAbs(l.home) {
		return invalid(doing, next, "%s is %q, not a folder wso2is-<version>", homeVariable, l.home)
	}
	l.home, l.version = path.Clean(l.home), match[1]
	return nil
}

// setOwner finds the numbers of the image's user. A number without a group is its own group, as with COPY --chown.
func (l *layout) setOwner(doing, user, group string, seen scanned) (err error) {
	const next = "set a numeric USER in the base image, as 802:802"
	entry := seen.passwd(user)
	if l.uid, err = number(user, entry, 2); err != nil {
		return invalid(doing, next, "user %q is not in the image's /etc/passwd", user)
	}
	switch {
	case group != "":
		l.gid, err = number(group, seen.group(group), 2)
	case entry != nil:
		l.gid, err = number("", entry, 3)
	default:
		l.gid = l.uid
	}
	if err != nil {
		return invalid(doing, next, "group %q is not in the image's /etc/group", group)
	}
	return nil
}

// number is text itself, or a field of its entry in passwd or group.
func number(text string, entry []string, field int) (int, error) {
	if isNumber(text) {
		return strconv.Atoi(text)
	}
	if len(entry) <= field {
		return 0, fmt.Errorf("%q has no number", text)
	}
	return strconv.Atoi(entry[field])
}

// splitUser reads USER of a Dockerfile; none means root.
func splitUser(text string) (user, group string) {
	user, group, _ = strings.Cut(text, ":")
	if user == "" {
		user = "0"
	}
	return user, group
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 31)
	return err == nil
}

func environment(env []string, name string) string {
	for _, entry := range env {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value
		}
	}
	return ""
}
