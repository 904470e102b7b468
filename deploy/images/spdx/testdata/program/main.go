// Command program is made of a module.
package main

import v1 "github.com/google/go-containerregistry/pkg/v1"

func main() { println(v1.Platform{OS: "linux"}.String()) }
