package spdx

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Image is what a document describes: an image with one Go program.
type Image struct {
	// Name and Version of the image, as lockstep-worker and v1.2.0. Revision is the commit it was built from.
	Name, Version, Revision string
	// Digest of its manifest for Platform.
	Digest   v1.Hash
	Platform v1.Platform
	// Program is the file of the program in it.
	Program string
	// Time of the source, which is the document's too, so that it is reproducible.
	Time time.Time
}

// Write reads which modules the image's program is made of, from what the linker left in it, and returns the document in JSON.
func Write(image Image) ([]byte, error) {
	info, err := buildinfo.ReadFile(image.Program)
	if err != nil {
		return nil, fmt.Errorf("reading the modules of %s: %w", image.Program, err)
	}
	document, err := compose(image, info)
	if err != nil {
		return nil, fmt.Errorf("listing the modules of %s: %w", image.Program, err)
	}
	data, err := json.MarshalIndent(document, "", "  ")
	return append(data, '\n'), err
}

const (
	documentID = "SPDXRef-DOCUMENT"
	imageID    = "SPDXRef-Image"
	mainID     = "SPDXRef-Program"
)

func compose(image Image, info *debug.BuildInfo) (Document, error) {
	title := fmt.Sprintf("%s-%s-%s-%s", image.Name, image.Version, image.Platform.OS, image.Platform.Architecture)
	d := Document{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: documentID, Name: title,
		Namespace: "https://spdx.org/spdxdocs/" + title + "-" + image.Digest.Hex,
		Creation:  Creation{Created: image.Time.UTC().Format(time.RFC3339), Creators: []string{"Tool: lockstep/deploy/images"}},
		Packages:  []Package{imagePackage(image), mainPackage(image, info)},
		Relationships: []Relationship{
			{documentID, "DESCRIBES", imageID},
			{imageID, "CONTAINS", mainID},
		},
	}
	for _, module := range append(info.Deps, standardLibrary(info)) {
		p, err := modulePackage(module)
		if err != nil {
			return Document{}, err
		}
		d.Packages = append(d.Packages, p)
		d.Relationships = append(d.Relationships, Relationship{mainID, "DEPENDS_ON", p.ID})
	}
	return d, nil
}

func imagePackage(image Image) Package {
	p := unknown(Package{ID: imageID, Name: image.Name, Version: image.Version, Purpose: "CONTAINER"})
	p.Checksums = []Checksum{{"SHA256", image.Digest.Hex}}
	p.References = purl(fmt.Sprintf("pkg:oci/%s@%s?arch=%s", image.Name, url.QueryEscape(image.Digest.String()), image.Platform.Architecture))
	return p
}

func mainPackage(image Image, info *debug.BuildInfo) Package {
	return unknown(Package{ID: mainID, Name: info.Path, Version: image.Version, Purpose: "APPLICATION",
		SourceInfo: "built from commit " + image.Revision})
}

// standardLibrary is the module that scanners know Go's own library by.
func standardLibrary(info *debug.BuildInfo) *debug.Module {
	version, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	return &debug.Module{Path: "stdlib", Version: version}
}

func modulePackage(m *debug.Module) (Package, error) {
	if m.Replace != nil {
		m = m.Replace
	}
	p := unknown(Package{ID: "SPDXRef-Go-" + identifier(m.Path+"-"+m.Version), Name: m.Path, Version: m.Version, Purpose: "LIBRARY"})
	if m.Version != "" {
		p.References = purl("pkg:golang/" + strings.ToLower(m.Path) + "@" + url.QueryEscape(m.Version))
	}
	if m.Sum == "" {
		return p, nil
	}
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
	if err != nil {
		return Package{}, fmt.Errorf("reading the checksum %q of module %s: %w", m.Sum, m.Path, err)
	}
	p.Checksums = []Checksum{{"SHA256", hex.EncodeToString(sum)}}
	return p, nil
}

func purl(locator string) []External { return []External{{"PACKAGE-MANAGER", "purl", locator}} }

// unknown says of a package what nobody stated.
func unknown(p Package) Package {
	const none = "NOASSERTION"
	p.DownloadLocation, p.LicenseConcluded, p.LicenseDeclared, p.Copyright = none, none, none, none
	return p
}

// identifier keeps the characters that SPDX allows. Others become their code, so that names which differ stay different.
func identifier(name string) string {
	var out strings.Builder
	for _, r := range name {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			out.WriteRune(r)
			continue
		}
		fmt.Fprintf(&out, "-%02X-", r)
	}
	return out.String()
}
