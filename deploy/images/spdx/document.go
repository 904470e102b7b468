// Package spdx says which modules a Go program is made of, as an SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3/).
package spdx

// MediaType is that of a document in JSON.
const MediaType = "application/spdx+json"

// Document is the part of SPDX that is used here.
type Document struct {
	Version       string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      Creation       `json:"creationInfo"`
	Packages      []Package      `json:"packages"`
	Relationships []Relationship `json:"relationships"`
}

// Creation says who made a document and when.
type Creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

// Package is an image, a module or the Go toolchain's library.
type Package struct {
	ID               string     `json:"SPDXID"`
	Name             string     `json:"name"`
	Version          string     `json:"versionInfo,omitempty"`
	Purpose          string     `json:"primaryPackagePurpose,omitempty"`
	DownloadLocation string     `json:"downloadLocation"`
	FilesAnalyzed    bool       `json:"filesAnalyzed"`
	LicenseConcluded string     `json:"licenseConcluded"`
	LicenseDeclared  string     `json:"licenseDeclared"`
	Copyright        string     `json:"copyrightText"`
	SourceInfo       string     `json:"sourceInfo,omitempty"`
	Checksums        []Checksum `json:"checksums,omitempty"`
	References       []External `json:"externalRefs,omitempty"`
}

// Checksum of a package. A module's is that of go.sum ("h1:"), in hexadecimal.
type Checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

// External is a package's name elsewhere: its package URL.
type External struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

// Relationship of two packages, or of document and package.
type Relationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}
