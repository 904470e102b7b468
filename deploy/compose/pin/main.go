// Command pin asks registries for the digests of the images in the compose files and writes them behind the tags, so that compose takes
// exactly these from then on. With -check it writes nothing, and fails if an image has no digest. Lockstep's own images are left out: whoever builds
// them knows what they are.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	check := flag.Bool("check", false, "write nothing, and fail if an image has no digest")
	flag.Parse()
	loose := false
	for _, path := range flag.Args() {
		text, err := os.ReadFile(path)
		fail(err)
		lacks := unpinned(string(text))
		for _, image := range lacks {
			loose = true
			if *check {
				fmt.Printf("%s: %s has no digest: run `make compose-pin`\n", path, image)
			}
		}
		if *check || len(lacks) == 0 {
			continue
		}
		pinned, err := pin(string(text), digestOf)
		fail(err)
		fail(os.WriteFile(path, []byte(pinned), 0o644))
		fmt.Printf("%s: %s pinned\n", path, strings.Join(lacks, ", "))
	}
	if *check && loose {
		os.Exit(1)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pin:", err)
		os.Exit(1)
	}
}

// line is one that names an image of others: it has no variable in it.
var line = regexp.MustCompile(`(?m)^(\s*image:\s+)([^\s$#]+)(\s*)$`)

// unpinned are the images without a digest, each once.
func unpinned(text string) (images []string) {
	for _, match := range line.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(match[2], "@") && !slices.Contains(images, match[2]) {
			images = append(images, match[2])
		}
	}
	return images
}

// pin writes the digest of each image behind its tag. If one is not known, nothing is changed.
func pin(text string, digestOf func(image string) (string, error)) (string, error) {
	for _, image := range unpinned(text) {
		digest, err := digestOf(image)
		if err != nil {
			return "", fmt.Errorf("%s: %w", image, err)
		}
		text = line.ReplaceAllStringFunc(text, func(found string) string {
			parts := line.FindStringSubmatch(found)
			if parts[2] != image {
				return found
			}
			return parts[1] + image + "@" + digest + parts[3]
		})
	}
	return text, nil
}

// digestOf asks the image's registry. It is that of the index, so that every platform has its own image.
func digestOf(image string) (string, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return "", err
	}
	found, err := remote.Get(ref)
	if err != nil {
		return "", err
	}
	return found.Digest.String(), nil
}
