package image

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/internal/outbound"
)

const (
	// artifactLimit bounds one artifact; the notification handler has some hundred kilobytes.
	artifactLimit = 64 << 20
	// sidecarLimit bounds a Maven checksum file.
	sidecarLimit = 4 << 10
)

// artifact is a fetched and checked file.
type artifact struct {
	path    string // below the server's home
	address string // as it may be shown
	key     string // what it is recorded under
	data    []byte
}

// fetch gets every artifact and checks it: against what is known of it from before, too, if no SHA-256 is given.
func (b *Builder) fetch(ctx context.Context, wanted []config.Artifact, known map[string]string, say func(string)) ([]artifact, error) {
	taken := map[string]string{}
	var out []artifact
	for _, w := range wanted {
		target, err := destination(w)
		if err != nil {
			return nil, err
		}
		if other, twice := taken[target]; twice {
			return nil, invalid("fetching "+w.URL, "give one of them another destination", "%s goes to %s, too", other, target)
		}
		taken[target] = w.URL
		data, err := b.fetchOne(ctx, w, say)
		if err != nil {
			return nil, err
		}
		file := artifact{path: target, address: outbound.Shown(w.URL), key: key(w, target), data: data}
		if first := file.first(known, wanted); w.SHA256 == "" && first != "" && first != file.sum() {
			return nil, changed(file, first)
		}
		out = append(out, file)
	}
	return out, nil
}

// destination is the file's path below the server's home.
func destination(a config.Artifact) (string, error) {
	doing := "reading image.artifacts"
	parsed, err := url.Parse(a.URL)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "", invalid(doing, "give an http or https address", "%q is not one", outbound.Shown(a.URL))
	}
	if a.Destination == "" {
		a.Destination = config.DefaultDestination
	}
	clean := a.File()
	if path.IsAbs(clean) || clean == "." || strings.HasPrefix(clean, "..") {
		return "", invalid(doing, "give a path below the server's home, as "+config.DefaultDestination, "destination %q leaves it", a.Destination)
	}
	return clean, nil
}

// digest is an expected checksum.
type digest struct{ algorithm, hex string }

func (d digest) of(data []byte) string {
	if d.algorithm == "sha1" {
		sum := sha1.Sum(data)
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (b *Builder) fetchOne(ctx context.Context, a config.Artifact, say func(string)) ([]byte, error) {
	want := digest{"sha256", strings.ToLower(a.SHA256)}
	if a.SHA256 == "" {
		var err error
		if want, err = b.sidecar(ctx, a.URL); err != nil {
			return nil, err
		}
	}
	key := want.algorithm + "-" + want.hex
	if kept, err := b.cached(key); err == nil && want.of(kept) == want.hex {
		return kept, nil
	}
	say("fetching " + outbound.Shown(a.URL))
	data, err := b.get(ctx, a.URL, artifactLimit)
	if err != nil {
		return nil, err
	}
	if err := check(a.URL, data, want); err != nil {
		return nil, err
	}
	if a.SHA256 == "" {
		say(fmt.Sprintf("checked %s against its Maven sidecar only; pin it with sha256: %s", path.Base(a.URL), digest{}.of(data)))
	}
	b.keep(key, data)
	return data, nil
}

// sidecar reads the checksum that Maven repositories keep beside a file.
func (b *Builder) sidecar(ctx context.Context, address string) (digest, error) {
	data, err := b.get(ctx, beside(address, ".sha1"), sidecarLimit)
	if failure.Is(err, failure.NotFound) {
		return digest{}, &failure.Error{Kind: failure.Refused, Doing: "checking " + outbound.Shown(address),
			Cause: errors.New("no SHA-256 is given and the repository keeps no .sha1 beside it"), Next: "set sha256 of that artifact"}
	}
	if err != nil {
		return digest{}, err
	}
	fields := strings.Fields(string(data)) // some repositories put the file's name after it
	if len(fields) > 0 {
		if sum, err := hex.DecodeString(fields[0]); err == nil && len(sum) == sha1.Size {
			return digest{"sha1", strings.ToLower(fields[0])}, nil
		}
	}
	return digest{}, &failure.Error{Kind: failure.Refused, Doing: "checking " + outbound.Shown(address),
		Cause: errors.New("the .sha1 beside it holds no SHA-1"), Next: "set sha256 of that artifact"}
}

// check says nothing of what came: the address may be one that only the worker reaches.
func check(address string, data []byte, want digest) error {
	e := &failure.Error{Kind: failure.Refused, Doing: "checking " + outbound.Shown(address), Next: "correct url or sha256 of that artifact"}
	switch {
	case isArchive(address) && !bytes.HasPrefix(data, []byte("PK\x03\x04")):
		e.Cause = errors.New("what came is no archive")
		e.Next = "check that url is the file itself and not a page about it"
	case want.of(data) != want.hex:
		e.Cause = fmt.Errorf("its %s is not %s", want.algorithm, want.hex)
	default:
		return nil
	}
	return e
}

func isArchive(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && slices.Contains([]string{".jar", ".war", ".zip"}, path.Ext(parsed.Path))
}

// beside is the address of the file's sidecar.
func beside(address, suffix string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return address
	}
	return parsed.ResolveReference(&url.URL{Path: parsed.Path + suffix, RawQuery: parsed.RawQuery}).String()
}

// get fetches at most limit bytes.
func (b *Builder) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	doing := "fetching " + outbound.Shown(address)
	if !b.allowed.artifact(address) {
		return nil, invalid(doing, "write a host that the cluster allows", "artifacts from there are not allowed on this cluster")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.rule.Mirrors.URL(address), nil)
	if err != nil {
		return nil, invalid(doing, "correct url of that artifact", "it is no address")
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return nil, artifactError(doing, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		kind := kindOfStatus(resp.StatusCode)
		return nil, &failure.Error{Kind: kind, Doing: doing, Cause: errors.New(resp.Status), Retryable: kind == failure.Unavailable,
			Next: "check url of that artifact, and that the worker may fetch it"}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, artifactError(doing, err)
	}
	if int64(len(data)) > limit {
		return nil, invalid(doing, "check url of that artifact", "it has more than %d KiB", limit>>10)
	}
	return data, nil
}

func artifactError(doing string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // the address is in doing already, and may carry secrets here
	}
	if isWrongHost(err) || isMistaken(err) {
		return invalid(doing, "correct url of that artifact, or what the worker trusts", "%w", err)
	}
	return &failure.Error{Kind: failure.Unavailable, Doing: doing, Cause: err, Retryable: true,
		Next: "check that the worker reaches that host; it is worth another attempt"}
}
