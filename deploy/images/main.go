// Command images builds the container images of Lockstep's programs, without a container engine. The same commit gives the same
// digests.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"lockstep/deploy/images/publish"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := options{dir: ".", programs: []program{{"worker", "./worker"}, {"lockstep", "./starter"}},
		platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}}
	flag.StringVar(&o.output, "output", "dist", "folder to write to")
	flag.StringVar(&o.registry, "registry", "", "where to push to as well, as registry.example.com/lockstep")
	flag.StringVar(&o.version, "version", "", "version and tag (default: the nearest git tag, else the commit)")
	flag.Func("platforms", "platforms to build for, for example linux/amd64 (default: linux/amd64,linux/arm64)", func(list string) error {
		var err error
		o.platforms, err = parsePlatforms(list)
		return err
	})
	flag.StringVar(&o.source, "source", "", "URL of the source, for the images' labels")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// options say what to build and where to put it.
type options struct {
	dir       string // of the module
	programs  []program
	platforms []v1.Platform
	output    string
	registry  string
	version   string
	source    string
}

// program is a main package and the name of its image.
type program struct{ name, path string }

func parsePlatforms(list string) ([]v1.Platform, error) {
	var platforms []v1.Platform
	for one := range strings.SplitSeq(list, ",") {
		platform, err := v1.ParsePlatform(one)
		if err != nil {
			return nil, err
		}
		if platform.OS == "" || platform.Architecture == "" {
			return nil, fmt.Errorf("%q is not an operating system and an architecture, for example linux/amd64", one)
		}
		platforms = append(platforms, *platform)
	}
	return platforms, nil
}

func run(ctx context.Context, o options, out io.Writer) error {
	about, stamp, err := describe(ctx, o)
	if err != nil {
		return err
	}
	if !stamp {
		fmt.Fprintln(out, "the checkout has changes or stray files: version and commit say -dirty, and the programs name no commit")
	}
	base, err := baseLayer(ctx, o.dir)
	if err != nil {
		return err
	}
	for _, p := range o.programs {
		fmt.Fprintf(out, "building %s (minutes the first time)\n", p.name)
		about.Name = p.name
		set, err := build(ctx, o, p, about, stamp, base)
		if err != nil {
			return err
		}
		if err := deliver(ctx, o, set, out); err != nil {
			return err
		}
	}
	return nil
}

func deliver(ctx context.Context, o options, set publish.Set, out io.Writer) error {
	if err := publish.Folder(o.output, set); err != nil {
		return err
	}
	digest, err := set.Index.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s: %s/%s and %s/%s-*.tar, for `docker load`\n", publish.Local(set.Name, set.Tag), digest, o.output, set.Name, o.output, set.Name)
	if o.registry == "" {
		return nil
	}
	pushed, err := publish.Push(ctx, o.registry, set)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "pushed", pushed)
	return nil
}
